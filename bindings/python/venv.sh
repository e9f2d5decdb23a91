# Sourced: makes $venv, a virtual environment in build/bindings/python with the pinned tools, and puts it on the PATH.
# The working directory is bindings/python.

build=$(cd ../.. && pwd)/build/bindings/python
venv=$build/venv
if ! cmp -s tests/requirements.txt "$venv/requirements.txt"; then
    rm -rf "$venv"
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check --requirement tests/requirements.txt
    cp tests/requirements.txt "$venv/requirements.txt"
fi
export PATH=$venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1
