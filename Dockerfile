# The binary alone. It is put here by the release, or by
#   CGO_ENABLED=0 go build -o linux/amd64/mq ./cmd/mq && docker build --build-arg TARGETPLATFORM=linux/amd64 .
FROM gcr.io/distroless/static-debian12:nonroot
ARG TARGETPLATFORM
COPY ${TARGETPLATFORM}/mq /usr/bin/mq
WORKDIR /work
ENTRYPOINT ["/usr/bin/mq"]
