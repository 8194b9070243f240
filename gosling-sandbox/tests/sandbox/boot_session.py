"""What an apply comes to, by hand: a runner in GitLab, a machine in Proxmox VE whose NoCloud image (made by PyPI's
pycdlib) says how to be that runner, and a job that lands on it."""

import io
import json
import sys
import time

import pycdlib
import requests

url, ca, tokens = sys.argv[1:]
tokens = json.loads(tokens)
session = requests.Session()
# Where there is a proxy, a simulated service is not behind it.
session.trust_env = False
session.verify = ca


def gitlab(method, path, **given):
    headers = {"private-token": tokens["GITLAB_TOKEN"]}
    answer = session.request(method, f"{url}/api/v4{path}", headers=headers, **given)
    assert answer.ok, (method, path, answer.text)
    return answer.json() if answer.content else None


def proxmox(method, path, **given):
    headers = {"authorization": f"PVEAPIToken=gosling@pve!ci={tokens['PROXMOX_TOKEN']}"}
    answer = session.request(method, f"{url}/api2/json{path}", headers=headers, **given)
    assert answer.ok, (method, path, answer.reason)
    return answer.json()["data"]


def until(what, condition):
    for _ in range(600):
        if condition():
            return
        time.sleep(0.02)
    raise AssertionError(f"{what} does not come")


def ends(upid):
    def over():
        headers = {"authorization": f"PVEAPIToken=gosling@pve!ci={tokens['PROXMOX_TOKEN']}"}
        status = session.get(f"{url}/api2/json/nodes/pve1/tasks/{upid}/status", headers=headers)
        # A task that has just begun may not be visible yet.
        return status.ok and status.json()["data"].get("exitstatus") == "OK"

    until(f"the end of {upid}", over)


def nocloud(**files):
    image = pycdlib.PyCdlib()
    image.new(interchange_level=3, joliet=3, rock_ridge="1.09", vol_ident="cidata")
    for number, (name, text) in enumerate(files.items()):
        name = name.replace("_", "-")
        content = text.encode()
        image.add_fp(
            io.BytesIO(content), len(content), f"/FILE{number}.;1", rr_name=name, joliet_path=f"/{name}"
        )
    written = io.BytesIO()
    image.write_fp(written)
    image.close()
    return written.getvalue()


runner = gitlab(
    "POST", "/user/runners", json={"runner_type": "project_type", "project_id": 17, "tag_list": ["lab"], "run_untagged": False}
)
user_data = f"""#cloud-config
write_files:
  - path: /etc/gitlab-runner/config.toml
    permissions: '0600'
    content: |
      concurrent = 1
      [[runners]]
        name = "lab"
        url = "https://gitlab.lab.example.com"
        token = "{runner["token"]}"
        executor = "docker"
        [runners.docker]
          image = "alpine:3"
runcmd:
  - systemctl enable --now gitlab-runner
"""
image = nocloud(user_data=user_data, meta_data="instance-id: lab-1\nlocal-hostname: lab-1\n")
ends(
    proxmox(
        "POST", "/nodes/pve1/storage/local/upload", data={"content": "iso"}, files={"filename": ("lab-1.iso", image)}
    )
)
ends(proxmox("POST", "/nodes/pve1/qemu/9000/clone", data={"newid": 9101, "name": "lab-1", "full": 1, "storage": "local-lvm"}))
proxmox("PUT", "/nodes/pve1/qemu/9101/config", data={"ide2": "local:iso/lab-1.iso,media=cdrom"})
assert gitlab("GET", f"/runners/{runner['id']}")["status"] == "never_contacted"
ends(proxmox("POST", "/nodes/pve1/qemu/9101/status/start"))
until("the runner", lambda: gitlab("GET", f"/runners/{runner['id']}")["status"] == "online")
(manager,) = gitlab("GET", f"/runners/{runner['id']}/managers")

variables = [{"key": "GOSLING_SMOKE_TAGS", "value": "lab"}]
pipeline = gitlab("POST", "/projects/17/pipeline", json={"ref": "main", "variables": variables})
until("the job", lambda: gitlab("GET", f"/projects/17/pipelines/{pipeline['id']}")["status"] == "success")
(job,) = gitlab("GET", f"/projects/17/pipelines/{pipeline['id']}/jobs")
assert job["runner"]["id"] == runner["id"]
assert job["runner_manager"]["system_id"] == manager["system_id"]

# A machine that is off takes no job.
ends(proxmox("POST", "/nodes/pve1/qemu/9101/status/stop"))
pipeline = gitlab("POST", "/projects/17/pipeline", json={"ref": "main", "variables": variables})
time.sleep(0.1)
assert gitlab("GET", f"/projects/17/pipelines/{pipeline['id']}")["status"] == "pending"
print("done")
