# BASE: a Debian with Python >= 3.11 in its archive; everything else comes from the hash-pinned locks.
ARG BASE=debian:trixie-slim

FROM ${BASE} AS build
RUN apt-get update && apt-get install --yes --no-install-recommends ca-certificates python3-venv
WORKDIR /src
RUN python3 -m venv /build && python3 -m venv --without-pip /app
COPY requirements/run.txt requirements/build.txt requirements/
RUN /build/bin/pip install --require-hashes --only-binary=:all: -r requirements/build.txt \
 && /build/bin/pip --python /app/bin/python install --require-hashes --only-binary=:all: -r requirements/run.txt
COPY pyproject.toml README.md ./
COPY operator operator
RUN /build/bin/pip wheel --no-deps --no-build-isolation --no-index --wheel-dir /dist . \
 && /build/bin/pip --python /app/bin/python install --no-deps --no-index /dist/*.whl \
 && rm -r /app/lib/python3*/site-packages/kubernetes/aio /app/lib/python3*/site-packages/*/tests  # 64 MB unused, and tests

FROM ${BASE}
RUN apt-get update \
 && apt-get install --yes --no-install-recommends ca-certificates python3 \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt /var/log/apt /var/log/dpkg.log /usr/lib/python3*/test
COPY --from=build /app /app
ENV PATH=/app/bin:/usr/bin:/bin
USER 65532:65532
ENTRYPOINT ["citrix-oauth"]
CMD ["run"]
