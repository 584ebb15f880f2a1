# The model server and MLflow's UI, without the training stack: compose.yaml starts them, docs/serving.md tells how;
# `tracking` is MLflow's server for several people: docs/scale.md.
FROM python:3.12-slim-bookworm AS mlflow

RUN useradd --create-home --uid 1000 overcast
WORKDIR /home/overcast
COPY constraints.txt .
# what a served model of any kind needs: overcast.serving.package, and a test that these are the same
RUN pip install --no-cache-dir --constraint constraints.txt \
    mlflow numpy onnxruntime pandas pillow pydantic pyyaml regex scipy soundfile tqdm

# Training, by hand: docker build --target training -t overcast . ; for GPUs with --build-arg TORCH_INDEX=, the address of a
# CUDA build on PyTorch's installation page (its wheels bring CUDA along), and `docker run --gpus all`.
FROM python:3.12-slim-bookworm AS training
# hadolint ignore=DL3008
RUN apt-get update && apt-get install -y --no-install-recommends git make && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home --uid 1000 overcast
WORKDIR /home/overcast/project
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
COPY constraints.txt .
RUN pip install --no-cache-dir -c constraints.txt --extra-index-url "$TORCH_INDEX" torch
COPY --chown=1000 . .
RUN pip install --no-cache-dir -c constraints.txt --editable . && chown 1000 . .dvc
USER 1000
RUN dvc config --local core.no_scm true
CMD ["dvc", "repro"]

FROM mlflow AS tracking
RUN pip install --no-cache-dir --constraint constraints.txt "psycopg[binary]" boto3 Flask-WTF
USER 1000
EXPOSE 5000
CMD ["mlflow", "server", "--help"]

FROM mlflow AS serving
USER 1000
EXPOSE 5000 5001
CMD ["mlflow", "models", "serve", "--help"]
