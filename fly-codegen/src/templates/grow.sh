#!/bin/sh
# Grows the root partition and its file system to the size of the disk. A logical volume is left as it is: what room it
# has in its group is its owner's to share out.
set -eu
device=$(findmnt -n -o SOURCE /)
disk=$(lsblk -n -o PKNAME "$device" | head -n 1)
number=/sys/class/block/$(basename "$device")/partition
if [ -e "$number" ] && command -v growpart >/dev/null; then
    # 1: it has the whole disk already.
    growpart "/dev/$disk" "$(cat "$number")" || [ "$?" = 1 ]
fi
case $(findmnt -n -o FSTYPE /) in
    ext[234]) resize2fs "$device" ;;
    xfs) xfs_growfs / ;;
    btrfs) btrfs filesystem resize max / ;;
esac
