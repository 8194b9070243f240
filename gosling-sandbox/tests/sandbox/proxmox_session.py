"""A session of PyPI's proxmoxer with the sandbox: what a person would do by hand. Any answer that the real service
would not give fails an assertion, or proxmoxer itself."""

import sys
import time

import requests
from proxmoxer import ProxmoxAPI
from proxmoxer.core import AuthenticationError, ResourceException

url, ca, secret = sys.argv[1:]
port = url.rsplit(":")[-1]
# Where there is a proxy, a simulated service is not behind it.
requests.Session.trust_env = False


def client(value):
    return ProxmoxAPI(
        "127.0.0.1", port=int(port), user="gosling@pve", token_name="ci", token_value=value, verify_ssl=ca
    )


pve = client(secret)


def ends(upid, node="pve1"):
    """Waits for a task: its exit status."""
    for _ in range(600):
        try:
            status = pve.nodes(node).tasks(upid).status.get()
        except ResourceException as error:
            # Not visible yet.
            assert error.status_code == 400, error
            continue
        if status["status"] == "stopped":
            return status["exitstatus"]
        time.sleep(0.02)
    raise AssertionError(f"{upid} does not end")


def fails(call, status, words, **given):
    try:
        call(**given)
    except ResourceException as error:
        assert error.status_code == status, error
        assert words in str(error) + error.content, (words, error)
        return
    raise AssertionError(f"{words!r} was not said")


assert pve.version.get()["version"] == "8.4.0"
assert [node["node"] for node in pve.nodes.get()] == ["pve1", "pve2", "pve3"]

templates = [vm for vm in pve.cluster.resources.get(type="vm") if vm["name"] == "debian-12-cloud"]
assert [vm["vmid"] for vm in templates] == [9000, 9001, 9002], templates

vmid = int(pve.cluster.nextid.get())
assert vmid == 100
assert int(pve.cluster.nextid.get()) == vmid, "nextid reserves nothing"

node = pve.nodes("pve1")
source = node.qemu(9000)
upid = source.clone.post(newid=vmid, name="runner-1", full=1, storage="local-lvm", description="gosling:op-1", pool="ci")
vm = node.qemu(vmid)
assert vm.config.get()["lock"] == "clone"
fails(vm.config.put, 500, "VM is locked (clone)", cores=2)
fails(source.clone.post, 500, "unable to create VM 100: config file already exists", newid=vmid)
fails(source.clone.post, 400, "property is not defined in schema", newid=101, tags="x")
fails(source.clone.post, 400, "property is missing and it is not optional")
fails(source.clone.post, 500, "storage 'nowhere' does not exist", newid=101, full=1, storage="nowhere")
assert ends(upid) == "OK"
assert pve.nodes("pve1").tasks(upid).log.get()[0]["t"] == "TASK OK"

vm.config.put(cores=4, memory=8192, tags="gosling,app", agent="enabled=1", net0="virtio,bridge=vmbr0,tag=12")
config = vm.config.get()
assert (config["cores"], config["memory"], config["tags"]) == (4, "8192", "app;gosling"), config
assert config["net0"].startswith("virtio=BC:24:11:") and config["net0"].endswith(",bridge=vmbr0,tag=12"), config
assert config["description"] == "gosling:op-1" and len(config["digest"]) == 40, config
assert ends(vm.resize.put(disk="scsi0", size="20G")) == "OK"
assert "size=20G" in vm.config.get()["scsi0"]
assert ends(vm.resize.put(disk="scsi0", size="10G")) == "shrinking disks is not supported"

iso = requests.post(
    f"https://127.0.0.1:{port}/api2/json/nodes/pve1/storage/local/upload",
    headers={"Authorization": f"PVEAPIToken=gosling@pve!ci={secret}"},
    data={"content": "iso"},
    files={"filename": ("seed.iso", b"not much of an image")},
    verify=ca,
)
assert iso.status_code == 200, iso.text
assert ends(iso.json()["data"]) == "OK"
with open(sys.argv[0], "rb") as file:
    fails(node.storage("local").upload.post, 400, "wrong file extension", content="iso", filename=file)
assert "local:iso/seed.iso" in [volume["volid"] for volume in node.storage("local").content.get(content="iso")]
fails(vm.config.put, 500, "volume 'local:iso/other.iso' does not exist", ide2="local:iso/other.iso,media=cdrom")
vm.config.put(ide2="local:iso/seed.iso,media=cdrom")

fails(vm.agent.ping.post, 500, "VM 100 is not running")
assert ends(vm.status.start.post()) == "OK"
assert vm.status.current.get()["status"] == "running"
fails(vm.agent.ping.post, 500, "QEMU guest agent is not running")
fails(vm.delete, 500, "VM 100 is running - destroy failed")
assert ends(vm.status.start.post()) == "VM 100 already running"
for _ in range(100):
    try:
        vm.agent.ping.post()
        break
    except ResourceException:
        time.sleep(0.02)
faces = vm.agent("network-get-interfaces").get()["result"]
assert faces[1]["ip-addresses"][0]["ip-address"] == "10.77.0.100", faces

vm.firewall.rules.post(action="ACCEPT", type="in", comment="ssh", dport="22", proto="tcp", enable=1)
vm.firewall.rules.post(action="DROP", type="in", comment="rest", enable=1)
rules = vm.firewall.rules.get()
assert [rule["comment"] for rule in rules] == ["rest", "ssh"], rules
vm.firewall.options.put(enable=1)
assert vm.firewall.options.get()["enable"] == 1

assert ends(vm.status.stop.post()) == "OK"
assert ends(vm.delete(purge=1)) == "OK"
fails(vm.config.get, 500, "Configuration file 'nodes/pve1/qemu-server/100.conf' does not exist")
volid = "local:iso/seed.iso"
assert ends(node.storage("local").content(volid).delete()) == "OK"
fails(node.storage("local").content(volid).get, 500, "does not exist")

archive = "local:vztmpl/debian-12-standard_12.7-1_amd64.tar.zst"
container = dict(vmid=200, hostname="lint", ostemplate=archive, rootfs="local-lvm:8", description="gosling:op-2")
fails(node.lxc.post, 403, "only allowed for root@pam", features="keyctl=1", **container)
assert ends(node.lxc.post(net0="name=eth0,bridge=vmbr0,ip=dhcp", unprivileged=1, start=1, **container)) == "OK"
ct = node.lxc(200)
assert ct.config.get()["description"] == "gosling:op-2\n"
assert ct.config.get()["rootfs"] == "local-lvm:vm-200-disk-0,size=8G"
assert ct.interfaces.get()[1]["inet"] == "10.77.0.200/16"
assert ends(ct.status.shutdown.post()) == "OK"
assert ends(ct.delete(purge=1)) == "OK"
fails(pve.nodes("pve9").qemu.get, 500, "hostname lookup 'pve9' failed")

wrong = "00000000-0000-4000-8000-000000000000"
try:
    client(wrong).version.get()
    raise AssertionError("a wrong token was taken")
except (AuthenticationError, ResourceException) as error:
    assert "401" in str(error) or "uthenticat" in str(error), error
print("done")
