FROM python:3.13-slim

WORKDIR /opt/yardstick
# What runs, without the tools of tests and of embedded services.
COPY requirements-run.lock ./
RUN pip install --no-cache-dir --require-hashes -r requirements-run.lock
COPY . .
RUN useradd --system --no-create-home yardstick

USER yardstick
ENTRYPOINT ["python", "-m", "api.main"]
CMD ["serve"]
