"""A session of PyPI's hvac with the sandbox's Vault. Any answer that the real service would not give fails an
assertion, or hvac itself."""

import sys

import hvac
import requests
from hvac.exceptions import Forbidden, InvalidPath, InvalidRequest

url, ca, token = sys.argv[1:]
# Where there is a proxy, a simulated service is not behind it.
session = requests.Session()
session.trust_env = False
session.verify = ca


def client(value=None):
    return hvac.Client(url=url, token=value, verify=ca, session=session)


def fails(kind, words, call, **given):
    try:
        call(**given)
    except kind as error:
        assert words in str(error), error
        return
    raise AssertionError(f"{words}: nothing failed")


vault = client(token)
assert vault.is_authenticated() and not client("hvs.wrong").is_authenticated()
assert not vault.sys.read_health_status(method="GET")["sealed"]
kv = vault.secrets.kv.v2
path = "gitlab/lab/app/runner-token"
fails(Forbidden, "permission denied", client("hvs.wrong").secrets.kv.v2.read_secret_version, path=path)
fails(InvalidPath, "", kv.read_secret_version, path=path, raise_on_deleted_version=True)
assert kv.create_or_update_secret(path, secret={"value": "one"}, cas=0)["data"]["version"] == 1
fails(InvalidRequest, "check-and-set", kv.create_or_update_secret, path=path, secret={"value": "two"}, cas=0)
assert kv.create_or_update_secret(path, secret={"value": "two"}, cas=1)["data"]["version"] == 2
assert kv.patch(path, secret={"other": "three"})["data"]["version"] == 3
read = kv.read_secret_version(path=path, raise_on_deleted_version=True)
assert read["data"]["data"] == {"value": "two", "other": "three"}
assert kv.read_secret_version(path=path, version=1, raise_on_deleted_version=True)["data"]["data"] == {"value": "one"}
assert kv.list_secrets(path="gitlab")["data"]["keys"] == ["lab/"]
metadata = kv.read_secret_metadata(path=path)["data"]
assert metadata["current_version"] == 3 and sorted(metadata["versions"]) == ["1", "2", "3"]

kv.delete_latest_version_of_secret(path=path)
fails(InvalidPath, "", kv.read_secret_version, path=path, raise_on_deleted_version=True)
deleted = kv.read_secret_version(path=path, raise_on_deleted_version=False)
assert deleted["data"]["data"] is None and deleted["data"]["metadata"]["deletion_time"]
kv.undelete_secret_versions(path=path, versions=[3])
kv.destroy_secret_versions(path=path, versions=[1])
assert kv.read_secret_metadata(path=path)["data"]["versions"]["1"]["destroyed"]

other = client()
login = other.auth.approle.login(role_id="gosling", secret_id=token)
assert other.is_authenticated() and login["auth"]["lease_duration"] > 0
fails(InvalidRequest, "invalid role or secret ID", client().auth.approle.login, role_id="gosling", secret_id="no")
other.secrets.kv.v2.delete_metadata_and_all_versions(path=path)
fails(InvalidPath, "", kv.read_secret_metadata, path=path)
print("done")
