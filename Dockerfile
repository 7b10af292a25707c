FROM python:3.13-slim

WORKDIR /opt/yardstick
COPY requirements.lock ./
RUN pip install --no-cache-dir --require-hashes -r requirements.lock
COPY . .
RUN pip install --no-cache-dir --no-deps --no-build-isolation --editable . \
    && useradd --system --no-create-home yardstick

USER yardstick
ENTRYPOINT ["yardstick"]
CMD ["serve"]
