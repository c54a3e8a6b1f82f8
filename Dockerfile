# handfast as an image: docker build -t handfast . && docker run -p 9001:9001 handfast
#
# It ends in an image of nothing but the program and what it loads, so it is the build's own C library that it brings.

# Rust, with a C compiler and make.
ARG RUST_IMAGE=rust:1-bookworm

FROM ${RUST_IMAGE} AS build
WORKDIR /handfast
COPY . .
RUN cargo build --release --locked --package handfast-server
RUN sh deploy/image/assemble.sh target/release/handfast /image

FROM scratch
COPY --from=build /image /
# The number of nobody in particular, and of no other container's user.
USER 65532:65532
# Within the container; who may connect from outside is for `docker run -p` to say.
ENV HANDFAST_LISTEN=0.0.0.0:9001 HANDFAST_DATA=/data PATH=/usr/bin
EXPOSE 9001
VOLUME /data
# SIGTERM drains: give it as long as drain.delay, drain.spread and 25 seconds, `docker stop --time 40`.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=10s --start-period=30s CMD ["/usr/bin/handfast", "healthcheck"]
ENTRYPOINT ["/usr/bin/handfast"]
CMD ["serve"]
