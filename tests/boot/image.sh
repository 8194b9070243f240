#!/usr/bin/env bash
# image.sh STAND_IN FOLDER: makes a Debian that boots, with the program STAND_IN as its /usr/bin/gitlab-runner:
# FOLDER/disk.img (a file system without partitions), FOLDER/vmlinuz and FOLDER/initrd.img.
#
# It is what a template of Proxmox VE is: Debian with cloud-init, where nothing is configured yet. Docker is a stub that
# does nothing, since the stand-in runs no containers. gitlab-runner is there without its unit, so that the unit that
# gosling brings is tried too.
# The system is made once and kept; it needs root, debootstrap, and a mirror of Debian.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
stand_in="$1"
folder="$2"
cache="${POLAR_GOSLING_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/polar-gosling}/boot"
mirror="${POLAR_GOSLING_DEBIAN:-http://deb.debian.org/debian}"
# Another recipe is another system.
root="$cache/$(sha256sum "$here/image.sh" | cut -c1-16)"

make_root() {
    local new="$root.$$"
    trap 'rm -rf "$new"' EXIT
    mkdir -p "$cache"
    debootstrap --variant=minbase --include=ca-certificates bookworm "$new" "$mirror"
    # Nothing may start in the chroot.
    printf '#!/bin/sh\nexit 101\n' >"$new/usr/sbin/policy-rc.d"
    chmod +x "$new/usr/sbin/policy-rc.d"
    # apt asks the mirror by name.
    cp /etc/resolv.conf "$new/etc/resolv.conf"
    echo "do_symlinks = no" >"$new/etc/kernel-img.conf"
    chroot "$new" env DEBIAN_FRONTEND=noninteractive LC_ALL=C apt-get install --quiet --yes --no-install-recommends \
        systemd-sysv udev dbus iproute2 netplan.io sudo openssh-server initramfs-tools zstd \
        cloud-init cloud-guest-utils linux-image-cloud-amd64
    rm -f "$new/usr/sbin/policy-rc.d" "$new"/var/cache/apt/archives/*.deb "$new"/etc/ssh/ssh_host_*
    echo template >"$new/etc/hostname"
    : >"$new/etc/machine-id"
    # As in Debian's own images for clouds; without it cloud-init makes a locale of another.
    echo LANG=C.UTF-8 >"$new/etc/default/locale"
    echo "/dev/vda / ext4 defaults 0 1" >"$new/etc/fstab"
    # No image for Proxmox VE asks any other cloud, and so waits for none.
    echo "datasource_list: [NoCloud, None]" >"$new/etc/cloud/cloud.cfg.d/90_datasource.cfg"
    # GitLab is the sandbox on the host, behind an address of the machine's network. cloud-init makes /etc/hosts of this.
    echo "10.0.2.100 gitlab.example.com" >>"$new/etc/cloud/templates/hosts.debian.tmpl"

    printf '#!/bin/sh\necho "this is no Docker" >&2\nexit 1\n' >"$new/usr/bin/docker"
    chmod +x "$new/usr/bin/docker"
    cat >"$new/etc/systemd/system/docker.service" <<'UNIT'
[Unit]
Description=A stub where Docker would be

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/true

[Install]
WantedBy=multi-user.target
UNIT

    # Says on the console what became of the first boot, in lines with an @.
    cat >"$new/usr/local/sbin/boot-report" <<'SCRIPT'
#!/bin/sh
# Without a drive to read, cloud-init does nothing.
until [ -e /run/cloud-init/result.json ] || [ -e /run/cloud-init/disabled ]; do sleep 1; done
# The first boot goes on by itself after that, and starts the service.
for _ in $(seq 60); do
    ss -Hltn | grep -q :9252 && break
    sleep 2
done
systemctl start gosling-grow.service
say() { printf '@ %s: %s\n' "$1" "$(eval "$2" 2>&1 | tr '\n' ' ')"; }
say status 'timeout 100 cloud-init status --long'
say warnings "grep -hE 'WARNING|ERROR|CRITICAL|Traceback' /var/log/cloud-init.log"
say hostname 'hostname'
say config 'stat -c "%a %U:%G" /etc/gitlab-runner/config.toml'
say listen 'grep listen_address /etc/gitlab-runner/config.toml'
say drain 'systemctl show --property=KillMode,KillSignal,TimeoutStopUSec,After gitlab-runner; systemctl show --property=JobTimeoutUSec poweroff.target reboot.target'
say units 'systemctl is-enabled gosling-first-boot gosling-grow; systemctl show --property=Result --value gosling-first-boot gosling-grow'
say root 'df --output=size -BM / | tail -n 1'
say service 'systemctl is-active gitlab-runner; systemctl is-enabled gitlab-runner'
say restart 'systemctl show --property=Restart --value gitlab-runner'
say ports 'ss -Hltn'
say output 'tail -n 20 /var/log/cloud-init-output.log'
say said 'tail -n 1 /var/lib/gosling/first-boot.log'
say log 'journalctl --no-pager -o cat -n 10 -u gitlab-runner'
say ran '[ -e /tmp/ran ] && echo yes || echo no'
say uptime 'cut -d" " -f1 /proc/uptime'
# Whoever reads the end may cut the power.
sync
echo '@ end'
SCRIPT
    chmod +x "$new/usr/local/sbin/boot-report"
    cat >"$new/etc/systemd/system/boot-report.service" <<'UNIT'
[Unit]
Description=What became of the first boot

[Service]
StandardOutput=journal+console
ExecStart=/usr/local/sbin/boot-report

[Install]
WantedBy=multi-user.target
UNIT
    chroot "$new" systemctl --quiet enable boot-report.service systemd-networkd.service
    rm -f "$new/etc/resolv.conf"
    mv "$new" "$root"
    trap - EXIT
}

[ -d "$root" ] || make_root
install -m 0755 "$stand_in" "$root/usr/bin/gitlab-runner"
cp "$root"/boot/vmlinuz-* "$folder/vmlinuz"
cp "$root"/boot/initrd.img-* "$folder/initrd.img"
mke2fs -q -t ext4 -L root -d "$root" "$folder/disk.img" 3G
