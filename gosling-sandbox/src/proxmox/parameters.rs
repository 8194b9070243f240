//! The parameters of every call that is simulated, written down from the API's documentation. A test compares them
//! with the API's own description, where that is at hand.

use super::schema::Parameter as P;

const MANY: i64 = i64::MAX;
const ENDLESS: f64 = f64::INFINITY;
const NODE: &str = "[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?";
const STORAGE: &str = "[a-zA-Z][a-zA-Z0-9._-]*[a-zA-Z0-9]";
const LABEL: &str =
    "(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?\\.)*[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?";
const SIZE: &str = "\\+?\\d+(?:\\.\\d+)?[KMGT]?";
const TAGS: &str = "[a-zA-Z0-9_][a-zA-Z0-9_+.-]*(?:[,; ]+[a-zA-Z0-9_][a-zA-Z0-9_+.-]*)*|";
const LEVELS: &[&str] = &[
    "emerg", "alert", "crit", "err", "warning", "notice", "info", "debug", "nolog",
];
const POLICIES: &[&str] = &["ACCEPT", "REJECT", "DROP"];
const UPLOADS: &[&str] = &["iso", "vztmpl", "import"];
const SUMS: &[&str] = &["md5", "sha1", "sha224", "sha256", "sha384", "sha512"];

const NET: &[&str] = &[
    "bridge",
    "e1000",
    "firewall",
    "link_down",
    "macaddr",
    "model",
    "mtu",
    "queues",
    "rate",
    "rtl8139",
    "tag",
    "trunks",
    "virtio",
    "vmxnet3",
];
/// What every drive may say.
const DRIVE: &[&str] = &[
    "aio",
    "backup",
    "bps",
    "bps_rd",
    "bps_wr",
    "cache",
    "detect_zeroes",
    "discard",
    "file",
    "format",
    "import-from",
    "iops",
    "iops_rd",
    "iops_wr",
    "mbps",
    "mbps_rd",
    "mbps_wr",
    "media",
    "replicate",
    "rerror",
    "serial",
    "shared",
    "size",
    "snapshot",
    "volume",
    "werror",
];
const SCSI: &[&str] = &[
    "aio",
    "backup",
    "bps",
    "bps_rd",
    "bps_wr",
    "cache",
    "detect_zeroes",
    "discard",
    "file",
    "format",
    "import-from",
    "iops",
    "iops_rd",
    "iops_wr",
    "iothread",
    "mbps",
    "mbps_rd",
    "mbps_wr",
    "media",
    "product",
    "queues",
    "replicate",
    "rerror",
    "ro",
    "scsiblock",
    "serial",
    "shared",
    "size",
    "snapshot",
    "ssd",
    "vendor",
    "volume",
    "werror",
    "wwn",
];

pub(super) const NOTHING: &[P] = &[];
pub(super) const RESOURCES: &[P] = &[P::one_of("type", &["vm", "storage", "node", "sdn"])];
pub(super) const FILE_READ: &[P] = &[P::text("file").required()];
pub(super) const NEXTID: &[P] = &[P::vmid("vmid")];
pub(super) const NETWORKS: &[P] = &[P::one_of(
    "type",
    &[
        "bridge",
        "bond",
        "eth",
        "alias",
        "vlan",
        "OVSBridge",
        "OVSBond",
        "OVSPort",
        "OVSIntPort",
        "vnet",
        "any_bridge",
        "any_local_bridge",
    ],
)];
pub(super) const POOL: &[P] = &[P::one_of("type", &["qemu", "lxc", "storage"])];
pub(super) const POOLS: &[P] = &[P::text("poolid"), P::one_of("type", &["qemu", "lxc", "storage"])];
pub(super) const PERMISSIONS: &[P] = &[P::text("path"), P::text("userid")];
pub(super) const STORAGES: &[P] = &[P::one_of(
    "type",
    &[
        "btrfs",
        "cephfs",
        "cifs",
        "dir",
        "esxi",
        "iscsi",
        "iscsidirect",
        "lvm",
        "lvmthin",
        "nfs",
        "pbs",
        "rbd",
        "zfs",
        "zfspool",
    ],
)];
pub(super) const NODE_STORAGES: &[P] = &[
    P::text("content"),
    P::boolean("enabled"),
    P::boolean("format"),
    P::like("storage", STORAGE),
    P::like("target", NODE),
];
pub(super) const CONTENT: &[P] = &[P::text("content"), P::vmid("vmid")];
pub(super) const DELETE_CONTENT: &[P] = &[P::integer("delay", 1, 30)];
pub(super) const UPLOAD: &[P] = &[
    P::text("checksum"),
    P::one_of("checksum-algorithm", SUMS),
    P::one_of("content", UPLOADS).required(),
    P::short("filename", 255).required(),
];
pub(super) const DOWNLOAD: &[P] = &[
    P::text("checksum"),
    P::one_of("checksum-algorithm", SUMS),
    P::text("compression"),
    P::one_of("content", UPLOADS).required(),
    P::short("filename", 255).required(),
    P::like("url", "https?://.*").required(),
    P::boolean("verify-certificates"),
];
pub(super) const TASKS: &[P] = &[
    P::boolean("errors"),
    P::integer("limit", 0, MANY),
    P::integer("since", i64::MIN, MANY),
    P::one_of("source", &["archive", "active", "all"]),
    P::integer("start", 0, MANY),
    P::text("statusfilter"),
    P::text("typefilter"),
    P::integer("until", i64::MIN, MANY),
    P::text("userfilter"),
    P::vmid("vmid"),
];
pub(super) const TASK_LOG: &[P] = &[
    P::boolean("download"),
    P::integer("limit", 0, MANY),
    P::integer("start", 0, MANY),
];

/// What the configuration of a virtual machine may hold.
pub(super) const MACHINE: &[P] = &[
    P::boolean("acpi"),
    P::text("affinity"),
    P::properties(
        "agent",
        &["enabled", "freeze-fs-on-backup", "fstrim_cloned_disks", "type"],
        "enabled",
    ),
    P::one_of("arch", &["x86_64", "aarch64"]),
    P::text("args"),
    P::boolean("autostart"),
    P::integer("balloon", 0, MANY),
    P::one_of("bios", &["seabios", "ovmf"]),
    P::text("boot"),
    P::text("cicustom"),
    P::text("cipassword"),
    P::one_of("citype", &["configdrive2", "nocloud", "opennebula"]),
    P::boolean("ciupgrade"),
    P::text("ciuser"),
    P::integer("cores", 1, MANY),
    P::text("cpu"),
    P::number("cpulimit", 0.0, 128.0),
    P::integer("cpuunits", 1, 262_144),
    P::short("description", 8192),
    P::properties(
        "efidisk0",
        &[
            "efitype",
            "file",
            "format",
            "import-from",
            "pre-enrolled-keys",
            "size",
            "volume",
        ],
        "file",
    ),
    P::text("hookscript"),
    P::text("hotplug"),
    P::one_of("hugepages", &["any", "2", "1024"]),
    P::properties("ide", DRIVE, "file").family(4),
    P::text("ipconfig").family(32),
    P::boolean("kvm"),
    P::boolean("localtime"),
    P::text("machine"),
    P::properties("memory", &["current"], "current"),
    P::like("name", LABEL),
    P::text("nameserver"),
    P::properties("net", NET, "model").family(32),
    P::boolean("numa"),
    P::boolean("onboot"),
    P::one_of(
        "ostype",
        &[
            "other", "wxp", "w2k", "w2k3", "w2k8", "wvista", "win7", "win8", "win10", "win11", "l24", "l26",
            "solaris",
        ],
    ),
    P::boolean("protection"),
    P::boolean("reboot"),
    P::text("rng0"),
    P::properties("sata", DRIVE, "file").family(6),
    P::properties("scsi", SCSI, "file").family(31),
    P::one_of(
        "scsihw",
        &[
            "lsi",
            "lsi53c810",
            "virtio-scsi-pci",
            "virtio-scsi-single",
            "megasas",
            "pvscsi",
        ],
    ),
    P::text("searchdomain"),
    P::like("serial", "/dev/.+|socket").family(4),
    P::integer("shares", 0, 50_000),
    P::short("smbios1", 512),
    P::integer("sockets", 1, MANY),
    P::encoded("sshkeys"),
    P::text("startup"),
    P::boolean("tablet"),
    P::like("tags", TAGS),
    P::boolean("template"),
    P::text("unused").family(256),
    P::integer("vcpus", 1, MANY),
    P::properties("vga", &["clipboard", "memory", "type"], "type"),
    P::properties("virtio", DRIVE, "file").family(16),
    P::text("vmgenid"),
    P::text("watchdog"),
];
pub(super) const CREATE_MACHINE: &[P] = &[
    P::integer("bwlimit", 0, MANY),
    P::boolean("ha-managed").since(9),
    P::like("import-working-storage", STORAGE),
    P::text("pool"),
    P::boolean("start"),
    P::like("storage", STORAGE),
    P::vmid("vmid").required(),
];
/// What a change of any configuration may say beside the values.
pub(super) const CHANGE: &[P] = &[P::text("delete"), P::short("digest", 40), P::text("revert")];
pub(super) const CHANGE_MACHINE: &[P] = &[P::boolean("force"), P::boolean("skiplock")];
pub(super) const CHANGE_MACHINE_LATER: &[P] = &[
    P::integer("background_delay", 1, 30),
    P::like("import-working-storage", STORAGE),
];
pub(super) const CLONE: &[P] = &[
    P::text("description"),
    P::boolean("full"),
    P::vmid("newid").required(),
    P::text("pool"),
    P::short("snapname", 40),
    P::like("storage", STORAGE),
    P::like("target", NODE),
];
pub(super) const CLONE_MACHINE: &[P] = &[
    P::integer("bwlimit", 0, MANY),
    P::one_of("format", &["raw", "qcow2", "vmdk"]),
    P::like("name", LABEL),
];
pub(super) const CLONE_CONTAINER: &[P] = &[P::number("bwlimit", 0.0, ENDLESS), P::like("hostname", LABEL)];
pub(super) const RESIZE: &[P] = &[
    P::short("digest", 40),
    P::text("disk").required(),
    P::like("size", SIZE).required(),
];
pub(super) const SKIPLOCK: &[P] = &[P::boolean("skiplock")];
pub(super) const DESTROY: &[P] = &[P::boolean("destroy-unreferenced-disks"), P::boolean("purge")];
pub(super) const FORCE: &[P] = &[P::boolean("force")];
pub(super) const READ_CONFIG: &[P] = &[P::boolean("current"), P::short("snapshot", 40)];
pub(super) const LIST_MACHINES: &[P] = &[P::boolean("full")];
pub(super) const START_MACHINE: &[P] = &[P::integer("timeout", 0, MANY), P::text("machine")];
pub(super) const START_CONTAINER: &[P] = &[P::boolean("debug")];
pub(super) const STOP: &[P] = &[P::boolean("overrule-shutdown")];
pub(super) const STOP_MACHINE: &[P] = &[P::boolean("keepActive"), P::integer("timeout", 0, MANY)];
pub(super) const SHUTDOWN: &[P] = &[P::boolean("forceStop"), P::integer("timeout", 0, MANY)];
pub(super) const SHUTDOWN_MACHINE: &[P] = &[P::boolean("keepActive")];
pub(super) const TEMPLATE_MACHINE: &[P] = &[P::text("disk")];

/// What the configuration of a container may hold.
pub(super) const CONTAINER: &[P] = &[
    P::one_of("arch", &["amd64", "i386", "arm64", "armhf", "riscv32", "riscv64"]),
    P::one_of("cmode", &["shell", "console", "tty"]),
    P::boolean("console"),
    P::integer("cores", 1, 8192),
    P::number("cpulimit", 0.0, 8192.0),
    P::integer("cpuunits", 0, 500_000),
    P::boolean("debug"),
    P::short("description", 8192),
    P::text("entrypoint").since(9),
    P::text("env").since(9),
    P::properties(
        "features",
        &["force_rw_sys", "fuse", "keyctl", "mknod", "mount", "nesting"],
        "",
    ),
    P::text("hookscript"),
    P::like("hostname", LABEL),
    P::integer("memory", 16, MANY),
    P::properties(
        "mp",
        &[
            "acl",
            "backup",
            "mountoptions",
            "mp",
            "quota",
            "replicate",
            "ro",
            "shared",
            "size",
            "volume",
        ],
        "volume",
    )
    .family(256),
    P::text("nameserver"),
    P::properties(
        "net",
        &[
            "bridge",
            "firewall",
            "gw",
            "gw6",
            "hwaddr",
            "ip",
            "ip6",
            "link_down",
            "mtu",
            "name",
            "rate",
            "tag",
            "trunks",
            "type",
        ],
        "",
    )
    .family(32),
    P::boolean("onboot"),
    P::one_of(
        "ostype",
        &[
            "debian",
            "devuan",
            "ubuntu",
            "centos",
            "fedora",
            "opensuse",
            "archlinux",
            "alpine",
            "gentoo",
            "nixos",
            "unmanaged",
        ],
    ),
    P::boolean("protection"),
    P::properties(
        "rootfs",
        &[
            "acl",
            "mountoptions",
            "quota",
            "replicate",
            "ro",
            "shared",
            "size",
            "volume",
        ],
        "volume",
    ),
    P::text("searchdomain"),
    P::text("startup"),
    P::integer("swap", 0, MANY),
    P::like("tags", TAGS),
    P::boolean("template"),
    P::text("timezone"),
    P::integer("tty", 0, 6),
    P::boolean("unprivileged"),
    P::text("unused").family(256),
];
pub(super) const CREATE_CONTAINER: &[P] = &[
    P::number("bwlimit", 0.0, ENDLESS),
    P::boolean("force"),
    P::boolean("ha-managed").since(9),
    P::boolean("ignore-unpack-errors"),
    P::short("ostemplate", 255).required(),
    P::text("password"),
    P::text("pool"),
    P::text("ssh-public-keys"),
    P::boolean("start"),
    P::like("storage", STORAGE),
    P::boolean("unique"),
    P::vmid("vmid").required(),
];

/// What a firewall rule may hold, beside its action and its type.
pub(super) const RULE: &[P] = &[
    P::text("comment"),
    P::short("dest", 512),
    P::short("digest", 64),
    P::text("dport"),
    P::integer("enable", 0, MANY),
    P::text("icmp-type"),
    P::short("iface", 20),
    P::one_of("log", LEVELS),
    P::short("macro", 128),
    P::text("proto"),
    P::short("source", 512),
    P::text("sport"),
];
const ACTION: &str = "[A-Za-z][A-Za-z0-9_-]+";
const DIRECTIONS: &[&str] = &["in", "out", "forward", "group"];
pub(super) const CREATE_RULE: &[P] = &[
    P::like("action", ACTION).required(),
    P::one_of("type", DIRECTIONS).required(),
    P::integer("pos", 0, MANY),
];
pub(super) const CHANGE_RULE: &[P] = &[
    P::like("action", ACTION),
    P::one_of("type", DIRECTIONS),
    P::text("delete"),
    P::integer("moveto", 0, MANY),
];
pub(super) const DELETE_RULE: &[P] = &[P::short("digest", 64)];
pub(super) const FIREWALL_OPTIONS: &[P] = &[
    P::text("delete"),
    P::boolean("dhcp"),
    P::short("digest", 64),
    P::boolean("enable"),
    P::boolean("ipfilter"),
    P::one_of("log_level_in", LEVELS),
    P::one_of("log_level_out", LEVELS),
    P::boolean("macfilter"),
    P::boolean("ndp"),
    P::one_of("policy_in", POLICIES),
    P::one_of("policy_out", POLICIES),
    P::boolean("radv"),
];
