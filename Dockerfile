# One image for web tier, workers, Flower and migrations; commands: docker-compose.yml.

FROM python:3.13-slim AS packages
RUN python -m venv /venv
COPY requirements.lock ./
# wheels only: the image has no compiler
RUN /venv/bin/pip install --no-cache-dir --disable-pip-version-check \
    --only-binary :all: --require-hashes -r requirements.lock

FROM python:3.13-slim
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 DEBUG=0 TAILRACE_DATA_DIR=/data TAILRACE_HEALTH_PORT=9464
WORKDIR /app
COPY --from=packages /venv /venv
COPY manage.py ./
COPY project project
COPY chat chat
COPY workers workers
COPY templates templates
# development settings for this command only: it needs no key
RUN DEBUG=1 TAILRACE_STATIC_ROOT=staticfiles python manage.py collectstatic --noinput
# for SQLite, if DATABASE_URL names no server, and for people's files: a new volume gets this owner and mode
RUN mkdir -p -m 700 /data/files && chown 10001:10001 /data /data/files
USER 10001:10001
EXPOSE 8000
CMD ["python", "manage.py", "serve", "--bind", "0.0.0.0", "--port", "8000"]
