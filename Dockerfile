# The server alone: no training, no load tool, no pip.
#
#   docker build -t audience .
#   docker run --read-only -v "$PWD/models:/models:ro" -p 50051:50051 -p 9090:9090 audience
#
# Pin the base to what you have examined: `docker buildx imagetools inspect python:3.11-slim-bookworm` prints its digest,
# and `docker build --build-arg PYTHON_IMAGE=python@sha256:…` builds on exactly that.
ARG PYTHON_IMAGE=python:3.11-slim-bookworm

FROM ${PYTHON_IMAGE} AS builder
WORKDIR /src
ENV AUDIENCE_HOME=/opt/audience
COPY deploy/image/build.sh deploy/image/
COPY requirements/build.txt requirements/server.txt requirements/
RUN sh deploy/image/build.sh dependencies
COPY LICENSE README.md pyproject.toml ./
COPY protos/ protos/
COPY server/ server/
RUN sh deploy/image/build.sh project

FROM ${PYTHON_IMAGE}
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Audience" \
      org.opencontainers.image.description="Tells over gRPC which segments a visitor is in and how likely they are to buy" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=builder /opt/audience /opt/audience
# Nothing is written at run time, nothing is imported from the folder that the process happens to start in, and ONNX
# Runtime (from 1.29) does not report to its makers.
ENV PATH=/opt/audience/bin:$PATH \
    ORT_DISABLE_TELEMETRY=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONSAFEPATH=1 \
    PYTHONUNBUFFERED=1
USER 65532:65532
WORKDIR /
EXPOSE 50051 50052 9090
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 CMD ["python", "-m", "server.healthcheck"]
ENTRYPOINT ["python", "-m", "server"]
CMD ["--repository", "/models", "--host", "0.0.0.0", "--port", "50051", "--control-port", "50052", "--metrics-port", "9090"]
