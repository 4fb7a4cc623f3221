# What gcr.io/distroless/nodejs22-debian12 has that matters here: Node in /nodejs/bin, no shell, nobody's PATH
FROM docker.io/library/node:22-bookworm-slim AS whole
RUN mkdir -p /srv/nodejs/bin && cp /usr/local/bin/node /srv/nodejs/bin/ && \
	ldd /usr/local/bin/node | grep -o '/[^ :]*' | sort -u | xargs cp --parents -L -t /srv

FROM scratch
COPY --from=whole /srv/ /
ENTRYPOINT ["/nodejs/bin/node"]
