# ViberDash in one image: each container runs one process of it. docs/containers.md explains its use; compose.yaml has
# everything that an installation needs.
FROM debian:trixie-slim

WORKDIR /srv/viberdash
COPY deploy/steps deploy/steps
RUN USER_ID=990 deploy/steps packages user && rm -rf /var/lib/apt/lists/*

COPY Makefile requirements.txt ./
RUN deploy/steps python

COPY . .
# Named volumes get the owner of the folder that they cover.
RUN deploy/steps compile && install -d -o viberdash -g viberdash -m 700 secrets temporary

# git rev-parse HEAD, for Settings, Status
ARG VIBERDASH_COMMIT=
ENV VIBERDASH_COMMIT=$VIBERDASH_COMMIT \
    ENV_FILE=/srv/viberdash/secrets/env \
    HOST=0.0.0.0 \
    PATH=/srv/viberdash/.venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    TMPDIR=/srv/viberdash/temporary

# viberdash, by its number, so that a host can see that it is not root
USER 990:990
EXPOSE 8000
# of the web server; the others are judged by its /readyz
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz', timeout=8)"]
ENTRYPOINT ["deploy/steps"]
CMD ["web"]
