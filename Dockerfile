# A JupyterHub's image, one container for each user: docker build -t webhook-lab .
# Each container has an AWS of its own on its own loopback, which ends with it: nothing is shared between users.
# Alone it is a lab too: docker run --rm -p 8888:8888 webhook-lab jupyter lab --ip=0.0.0.0
FROM python:3.13-slim

# The hub's own version: docker build --build-arg JUPYTERHUB=…
ARG JUPYTERHUB=5.4.2
ARG HOME_OF=/home/jovyan
RUN useradd --create-home --home-dir "$HOME_OF" --uid 1000 jovyan
WORKDIR $HOME_OF/webhook-lab

COPY requirements.lock ./
RUN pip install --no-cache-dir --require-hashes --requirement requirements.lock \
    && pip install --no-cache-dir "jupyterhub==$JUPYTERHUB"
COPY --chown=jovyan . .
RUN pip install --no-cache-dir --no-deps --no-build-isolation --editable .

USER jovyan
RUN webhook-lab doctor
ENV JUPYTERHUB_DEFAULT_URL=/lab/tree/notebooks/00_start_here.ipynb
EXPOSE 8888
CMD ["jupyterhub-singleuser", "--ip=0.0.0.0"]
