# sioinit in front of a runtime. Apps build FROM this image: see examples/docker and docs/docker.md.
#   docker build --format docker -t sioinit .                        (podman needs --format docker to keep HEALTHCHECK)
#   docker build --build-arg NODE=24 -t sioinit:node24 .             another Node line
#   docker build --target static -t sioinit:static .                 the binary alone, for COPY --from=sioinit:static
#   docker build --platform linux/arm64 --target static .            compiled across, nothing is emulated
# packaging/images/build makes them all, with labels, SBOM, provenance and the digests of packaging/images/bases.
ARG NODE=22
ARG BASE=docker.io/library/node:${NODE}-bookworm-slim
ARG DEBIAN=docker.io/library/debian:bookworm-slim

FROM --platform=$BUILDPLATFORM ${DEBIAN} AS build
WORKDIR /src
COPY script/bootstrap script/step.sh script/
RUN ./script/bootstrap static
COPY . .
ARG TARGETARCH
RUN machine=$(echo ${TARGETARCH:-$(dpkg --print-architecture)} | sed 's/amd64/x86_64/; s/arm64/aarch64/') && \
	./script/build static $machine && mkdir /out && cp build/static-$machine/sioinit LICENSE packaging/copyright /out/ && \
	./packaging/images/sbom build/static-$machine >/out/sioinit.cdx.json

FROM scratch AS static
LABEL org.opencontainers.image.title="sioinit" \
	org.opencontainers.image.description="The container-native init for Socket.IO: the binary alone" \
	org.opencontainers.image.licenses="MIT"
COPY --from=build /out/ /
ENTRYPOINT ["/sioinit"]

FROM ${BASE}
LABEL org.opencontainers.image.title="sioinit" \
	org.opencontainers.image.description="The container-native init for Socket.IO, as PID 1 in front of a runtime" \
	org.opencontainers.image.licenses="MIT"
COPY --from=build /out/sioinit /usr/local/bin/
# where scanners of images look for it
COPY --from=build /out/sioinit.cdx.json /usr/local/share/sbom/
COPY --from=build /out/LICENSE /out/copyright /usr/local/share/doc/sioinit/
ENV NODE_ENV=production
WORKDIR /app
ARG RUN_AS=node
USER ${RUN_AS}
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s CMD ["sioinit", "health", "--ready"]
ENTRYPOINT ["sioinit"]
