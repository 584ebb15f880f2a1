# The model server and MLflow's UI, without the training stack: compose.yaml starts them, docs/serving.md tells how;
# `tracking` is MLflow's server for several people: docs/scale.md.
FROM python:3.12-slim-bookworm AS mlflow

RUN useradd --create-home --uid 1000 overcast
WORKDIR /home/overcast
COPY constraints.txt .
# what a served model of any kind needs: overcast.serving.package, and a test that these are the same
RUN pip install --no-cache-dir --constraint constraints.txt \
    mlflow numpy onnxruntime pandas pillow pydantic pyyaml regex scipy soundfile tqdm

FROM mlflow AS tracking
RUN pip install --no-cache-dir --constraint constraints.txt "psycopg[binary]" boto3 Flask-WTF
USER 1000
EXPOSE 5000
CMD ["mlflow", "server", "--help"]

FROM mlflow AS serving
USER 1000
EXPOSE 5000 5001
CMD ["mlflow", "models", "serve", "--help"]
