# sioinit on top of Node. Apps build FROM this image: see examples/docker/Dockerfile.
#   docker build --format docker -t sioinit .      (podman needs --format docker to keep HEALTHCHECK)
#   docker build --build-arg NODE=24 ...           another Node line
ARG NODE=22

FROM debian:bookworm-slim AS build
RUN apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
	gcc libc6-dev cmake ninja-build pkg-config libuv1-dev libmsgpack-dev libjansson-dev libyaml-dev libseccomp-dev uthash-dev node-llhttp >/dev/null
WORKDIR /src
COPY . .
# the libraries are linked in and there is no service manager in a container: the binary needs nothing but libc
RUN cmake -S . -B /build -G Ninja -DSIOINIT_STATIC=ON -DSIOINIT_SYSTEMD=OFF -DBUILD_TESTING=OFF && \
	cmake --build /build && DESTDIR=/out cmake --install /build --strip

FROM node:${NODE}-bookworm-slim
COPY --from=build /out/ /
COPY LICENSE /usr/local/share/doc/sioinit/
ENV NODE_ENV=production
WORKDIR /app
USER node
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s CMD ["sioinit", "health", "--ready"]
ENTRYPOINT ["sioinit"]
