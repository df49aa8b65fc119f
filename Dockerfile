# All of millrace's executables in one image; a container runs one of them. Plain syntax, for any
# builder. Debian 12: --build-arg SUITE=bookworm
ARG SUITE=trixie

FROM debian:${SUITE}-slim AS build
COPY scripts/install-deps.sh /src/scripts/
RUN /src/scripts/install-deps.sh build && rm -rf /var/lib/apt/lists/*
COPY . /src
WORKDIR /src
RUN cmake --preset release -DMILLRACE_TESTS=OFF \
 && cmake --build --preset release \
 && cmake --install build/release --prefix /opt/millrace --strip

FROM debian:${SUITE}-slim
COPY scripts/install-deps.sh /tmp/
RUN /tmp/install-deps.sh runtime && rm -rf /var/lib/apt/lists/* /tmp/install-deps.sh
COPY --from=build /opt/millrace /opt/millrace
# Volumes mounted there for the first time take this mode: any user may write, each its own files.
RUN install -d -m 1777 /out /state
ENV PATH=/opt/millrace/bin:$PATH
USER 1000:1000
WORKDIR /out
CMD ["millrace", "--help"]
