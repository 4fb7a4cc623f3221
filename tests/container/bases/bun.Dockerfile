# Bun as its official image has it: in PATH, and a user of its name. The build context has the program.
FROM docker.io/library/node:22-bookworm-slim AS certificates

FROM docker.io/library/debian:bookworm-slim
COPY --from=certificates /usr/local/share/ /usr/local/share/
ENV NODE_EXTRA_CA_CERTS=/usr/local/share/host-ca/ca.crt
COPY bun /usr/local/bin/
RUN useradd --create-home bun
