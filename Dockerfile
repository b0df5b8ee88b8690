# The study in a container. No test builds it.
#
#   docker build --tag vaml .
#   docker run --rm --volume "$PWD/results:/vaml/results" vaml make demo
#
# With Apptainer, on a cluster:
#   docker save vaml | gzip > vaml.tar.gz
#   apptainer build vaml.sif docker-archive:vaml.tar.gz
#   apptainer exec --pwd /vaml --writable-tmpfs --bind "$PWD/results:/vaml/results" vaml.sif make demo
FROM python:3.12-slim-bookworm
RUN apt-get update \
    && apt-get install --yes --no-install-recommends git make \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /vaml
# First what changes seldom, so that an edit of the source installs nothing again.
COPY Makefile pyproject.toml requirements.txt requirements-torch.txt README.md LICENSE ./
COPY src/vaml/__init__.py src/vaml/__init__.py
RUN make setup PYTHON=python3.12
COPY . .
CMD ["make", "help"]
