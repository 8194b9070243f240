//! The parameters of every call that is simulated, written down from the API's documentation. A test compares them
//! with the API's own description, where that is at hand.

use super::firewall::formats as fw;
use super::formats as f;
use super::schema::Parameter as P;
use super::values as v;

const MANY: i64 = i64::MAX;
const ENDLESS: f64 = f64::INFINITY;
const SIZE: &str = "\\+?\\d+(?:\\.\\d+)?[KMGT]?";
const LEVELS: &[&str] = &[
    "emerg", "alert", "crit", "err", "warning", "notice", "info", "debug", "nolog",
];
const POLICIES: &[&str] = &["ACCEPT", "REJECT", "DROP"];
const UPLOADS: &[&str] = &["iso", "vztmpl", "import"];
const SUMS: &[&str] = &["md5", "sha1", "sha224", "sha256", "sha384", "sha512"];
const URL: &str = "https?://.*";
/// The drives of a virtual machine that can be made larger or be frozen.
const DRIVES: &str = "ide[0-3]|scsi(?:[12]?[0-9]|30)|virtio(?:[0-9]|1[0-5])|sata[0-5]|efidisk0|tpmstate0";

pub(super) const NOTHING: &[P] = &[];
pub(super) const RESOURCES: &[P] = &[P::one_of("type", &["vm", "storage", "node", "sdn"])];
pub(super) const FILE_READ: &[P] = &[
    P::integer("count", 1, 16_777_216).since(9),
    P::boolean("decode").since(9),
    P::text("file").required(),
    P::integer("offset", 0, MANY).since(9),
];
pub(super) const NEXTID: &[P] = &[P::vmid("vmid")];
/// Each version knows kinds of networks that the other does not.
pub(super) const NETWORKS: &[P] = &[
    P::one_of(
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
    )
    .until(8),
    P::one_of(
        "type",
        &[
            "bridge",
            "bond",
            "eth",
            "alias",
            "vlan",
            "fabric",
            "OVSBridge",
            "OVSBond",
            "OVSPort",
            "OVSIntPort",
            "vnet",
            "any_bridge",
            "any_local_bridge",
            "include_sdn",
        ],
    )
    .since(9),
];
const MEMBERS: P = P::one_of("type", &["qemu", "lxc", "storage"]);
pub(super) const POOL: &[P] = &[MEMBERS];
pub(super) const POOLS: &[P] = &[P::format("poolid", f::POOL), MEMBERS.requires("poolid")];
pub(super) const CREATE_POOL: &[P] = &[P::text("comment"), P::format("poolid", f::POOL).required()];
pub(super) const CHANGE_POOL: &[P] = &[
    P::boolean("allow-move"),
    P::text("comment"),
    P::boolean("delete"),
    P::format("storage", f::STORAGE_LIST),
    P::format("vms", f::VMID_LIST),
];
pub(super) const NAMED_POOL: &[P] = &[P::format("poolid", f::POOL).required()];
pub(super) const PERMISSIONS: &[P] = &[
    P::text("path"),
    P::like(
        "userid",
        r"[^\s:/]+@[A-Za-z][A-Za-z0-9.\-_]+(?:![A-Za-z][A-Za-z0-9.\-_]+)?",
    ),
];
/// The kinds of storages.
pub(super) const STORAGES: &[P] = &[
    P::one_of(
        "type",
        &[
            "btrfs",
            "cephfs",
            "cifs",
            "dir",
            "esxi",
            "glusterfs",
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
    )
    .until(8),
    P::one_of(
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
    )
    .since(9),
];
pub(super) const NODE_STORAGES: &[P] = &[
    P::format("content", f::STORAGE_CONTENT_LIST),
    P::boolean("enabled"),
    P::boolean("format"),
    P::format("storage", f::STORAGE),
    P::format("target", f::NODE),
];
pub(super) const CONTENT: &[P] = &[P::format("content", f::STORAGE_CONTENT), P::vmid("vmid")];
pub(super) const DELETE_CONTENT: &[P] = &[P::integer("delay", 1, 30)];
const CHECKSUM: P = P::text("checksum").requires("checksum-algorithm");
const ALGORITHM: P = P::one_of("checksum-algorithm", SUMS).requires("checksum");
pub(super) const UPLOAD: &[P] = &[
    CHECKSUM,
    ALGORITHM,
    P::one_of("content", UPLOADS).required(),
    P::short("filename", 255).required(),
    P::like("tmpfilename", "/var/tmp/pveupload-[0-9a-f]+"),
];
pub(super) const DOWNLOAD: &[P] = &[
    CHECKSUM,
    ALGORITHM,
    P::text("compression"),
    P::one_of("content", UPLOADS).required(),
    P::short("filename", 255).required(),
    P::like("url", URL).required(),
    P::boolean("verify-certificates"),
];
pub(super) const QUERY_URL: &[P] = &[P::like("url", URL).required(), P::boolean("verify-certificates")];
pub(super) const TASKS: &[P] = &[
    P::boolean("errors"),
    P::integer("limit", 0, MANY),
    P::integer("since", i64::MIN, MANY),
    P::one_of("source", &["archive", "active", "all"]),
    P::integer("start", 0, MANY),
    P::format("statusfilter", f::TASK_STATUS_LIST),
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
    P::format("affinity", f::CPU_SET),
    P::properties("agent", v::AGENT),
    P::boolean("allow-ksm").since(9),
    P::properties("amd-sev", v::SEV),
    P::one_of("arch", &["x86_64", "aarch64"]),
    P::text("args"),
    P::properties("audio0", v::AUDIO),
    P::boolean("autostart"),
    P::integer("balloon", 0, MANY),
    P::one_of("bios", &["seabios", "ovmf"]),
    P::properties("boot", v::BOOT),
    P::like("bootdisk", r"(?:ide|sata|scsi|virtio)\d+"),
    P::properties("cdrom", v::CDROM),
    P::properties("cicustom", v::CLOUD_INIT_FILES),
    P::text("cipassword"),
    P::one_of("citype", &["configdrive2", "nocloud", "opennebula"]),
    P::boolean("ciupgrade"),
    P::text("ciuser"),
    P::integer("cores", 1, MANY),
    P::properties("cpu", v::CPU),
    P::number("cpulimit", 0.0, 128.0),
    P::integer("cpuunits", 1, 262_144),
    P::short("description", 8192),
    P::properties("efidisk0", v::EFI_DISK),
    P::boolean("freeze"),
    P::format("hookscript", f::VOLUME),
    P::properties("hostpci", v::HOST_PCI).family(16),
    P::format("hotplug", f::HOTPLUG),
    P::one_of("hugepages", &["any", "2", "1024"]),
    P::properties("ide", v::IDE).family(4),
    P::properties("intel-tdx", v::TDX).since(9),
    P::properties("ipconfig", v::IP_CONFIG).family(32),
    P::properties("ivshmem", v::SHARED_MEMORY),
    P::boolean("keephugepages"),
    P::one_of(
        "keyboard",
        &[
            "de", "de-ch", "da", "en-gb", "en-us", "es", "fi", "fr", "fr-be", "fr-ca", "fr-ch", "hu", "is",
            "it", "ja", "lt", "mk", "nl", "no", "pl", "pt", "pt-br", "sv", "sl", "tr",
        ],
    ),
    P::boolean("kvm"),
    P::boolean("localtime"),
    P::one_of(
        "lock",
        &[
            "backup",
            "clone",
            "create",
            "migrate",
            "rollback",
            "snapshot",
            "snapshot-delete",
            "suspending",
            "suspended",
        ],
    ),
    P::properties("machine", v::MACHINE_TYPE),
    P::properties("memory", v::MEMORY),
    P::number("migrate_downtime", 0.0, ENDLESS),
    P::integer("migrate_speed", 0, MANY),
    P::format("name", f::DNS_NAME),
    P::format("nameserver", f::ADDRESS_LIST),
    P::properties("net", v::NET).family(32),
    P::boolean("numa"),
    P::properties("numa", v::NUMA_NODE).family(8),
    P::boolean("onboot"),
    P::one_of(
        "ostype",
        &[
            "other", "wxp", "w2k", "w2k3", "w2k8", "wvista", "win7", "win8", "win10", "win11", "l24", "l26",
            "solaris",
        ],
    ),
    P::like("parallel", r"/dev/parport\d+|/dev/usb/lp\d+").family(3),
    P::boolean("protection"),
    P::boolean("reboot"),
    P::properties("rng0", v::RANDOM),
    P::properties("sata", v::SATA).family(6),
    P::properties("scsi", v::SCSI).family(31),
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
    P::properties("smbios1", v::SMBIOS).length(0, 512),
    P::integer("smp", 1, MANY),
    P::integer("sockets", 1, MANY),
    P::properties("spice_enhancements", v::SPICE),
    P::format("sshkeys", f::URL_ENCODED),
    P::like(
        "startdate",
        r"now|\d{4}-\d{1,2}-\d{1,2}(?:T\d{1,2}:\d{1,2}:\d{1,2})?",
    ),
    P::format("startup", f::STARTUP),
    P::boolean("tablet"),
    P::format("tags", f::TAG_LIST),
    P::boolean("tdf"),
    P::boolean("template"),
    P::properties("tpmstate0", v::TPM_STATE),
    P::properties("unused", v::UNUSED).family(256),
    P::properties("usb", v::USB).family(14),
    P::integer("vcpus", 1, MANY),
    P::properties("vga", v::VGA),
    P::properties("virtio", v::VIRTIO).family(16),
    P::properties("virtiofs", v::VIRTIO_FS).family(10),
    P::like(
        "vmgenid",
        "[a-fA-F0-9]{8}(?:-[a-fA-F0-9]{4}){3}-[a-fA-F0-9]{12}|[01]",
    ),
    P::format("vmstatestorage", f::STORAGE),
    P::properties("watchdog", v::WATCHDOG),
];
pub(super) const CREATE_MACHINE: &[P] = &[
    P::short("archive", 255),
    P::integer("bwlimit", 0, MANY),
    P::boolean("force").requires("archive"),
    P::boolean("ha-managed").since(9),
    P::format("import-working-storage", f::STORAGE),
    P::boolean("live-restore"),
    P::format("pool", f::POOL),
    P::boolean("start"),
    P::format("storage", f::STORAGE),
    P::boolean("unique").requires("archive"),
    P::vmid("vmid").required(),
];
/// What a change of any configuration may say beside the values.
pub(super) const CHANGE: &[P] = &[
    P::format("delete", f::CONFIG_ID_LIST),
    P::short("digest", 40),
    P::format("revert", f::CONFIG_ID_LIST),
];
pub(super) const CHANGE_MACHINE: &[P] = &[P::boolean("force").requires("delete"), P::boolean("skiplock")];
pub(super) const CHANGE_MACHINE_LATER: &[P] = &[
    P::integer("background_delay", 1, 30),
    P::format("import-working-storage", f::STORAGE),
];
pub(super) const CLONE: &[P] = &[
    P::text("description"),
    P::boolean("full"),
    P::vmid("newid").required(),
    P::format("pool", f::POOL),
    P::format("snapname", f::CONFIG_ID).length(0, 40),
    P::format("storage", f::STORAGE),
    P::format("target", f::NODE),
];
pub(super) const CLONE_MACHINE: &[P] = &[
    P::integer("bwlimit", 0, MANY),
    P::one_of("format", &["raw", "qcow2", "vmdk"]),
    P::format("name", f::DNS_NAME),
];
pub(super) const CLONE_CONTAINER: &[P] = &[
    P::number("bwlimit", 0.0, ENDLESS),
    P::format("hostname", f::DNS_NAME),
];
const DIGEST: P = P::short("digest", 40);
const LARGER: P = P::like("size", SIZE).required();
pub(super) const RESIZE: &[P] = &[DIGEST, P::like("disk", DRIVES).required(), LARGER];
pub(super) const RESIZE_CONTAINER: &[P] = &[
    DIGEST,
    P::like("disk", "rootfs|mp(?:1?[0-9]?[0-9]|2[0-4][0-9]|25[0-5])").required(),
    LARGER,
];
pub(super) const SKIPLOCK: &[P] = &[P::boolean("skiplock")];
pub(super) const DESTROY: &[P] = &[P::boolean("destroy-unreferenced-disks"), P::boolean("purge")];
pub(super) const FORCE: &[P] = &[P::boolean("force")];
pub(super) const READ_CONFIG: &[P] = &[
    P::boolean("current"),
    P::format("snapshot", f::CONFIG_ID).length(0, 40),
];
pub(super) const LIST_MACHINES: &[P] = &[P::boolean("full")];
pub(super) const START_MACHINE: &[P] = &[
    P::text("force-cpu"),
    P::properties("machine", v::MACHINE_TYPE),
    MIGRATED_FROM,
    P::format("migration_network", f::CIDR_NETWORK),
    P::one_of("migration_type", &["secure", "insecure"]),
    P::like("nets-host-mtu", r"net\d+=\d+(?:,net\d+=\d+)*").since(9),
    P::short("stateuri", 128),
    P::format("targetstorage", f::STORAGE_PAIR_LIST),
    TIMEOUT,
    P::boolean("with-conntrack-state").since(9),
];
const MIGRATED_FROM: P = P::format("migratedfrom", f::NODE);
const TIMEOUT: P = P::integer("timeout", 0, MANY);
pub(super) const START_CONTAINER: &[P] = &[P::boolean("debug")];
pub(super) const STOP: &[P] = &[P::boolean("overrule-shutdown")];
pub(super) const STOP_MACHINE: &[P] = &[P::boolean("keepActive"), MIGRATED_FROM, TIMEOUT];
pub(super) const SHUTDOWN: &[P] = &[P::boolean("forceStop"), TIMEOUT];
pub(super) const SHUTDOWN_MACHINE: &[P] = &[P::boolean("keepActive")];
pub(super) const REBOOT: &[P] = &[TIMEOUT];
pub(super) const TEMPLATE_MACHINE: &[P] = &[P::like("disk", DRIVES)];

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
    P::properties("dev", v::CONTAINER_DEVICE).family(256),
    P::like("entrypoint", r"[^\x00-\x08\x10-\x1F\x7F]+").since(9),
    P::like(
        "env",
        r"\w+=[^\x00-\x08\x10-\x1F\x7F]*(?:\x00\w+=[^\x00-\x08\x10-\x1F\x7F]*)*",
    )
    .since(9),
    P::properties("features", v::FEATURES),
    P::format("hookscript", f::VOLUME),
    P::format("hostname", f::DNS_NAME).length(0, 255),
    P::one_of(
        "lock",
        &[
            "backup",
            "create",
            "destroyed",
            "disk",
            "fstrim",
            "migrate",
            "mounted",
            "rollback",
            "snapshot",
            "snapshot-delete",
        ],
    ),
    P::integer("memory", 16, MANY),
    P::properties("mp", v::MOUNT).family(256),
    P::format("nameserver", f::LXC_ADDRESS_LIST),
    P::properties("net", v::CONTAINER_NET).family(32),
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
    P::properties("rootfs", v::ROOT),
    P::format("searchdomain", f::DNS_NAME_LIST),
    P::format("startup", f::STARTUP),
    P::integer("swap", 0, MANY),
    P::format("tags", f::TAG_LIST),
    P::boolean("template"),
    P::format("timezone", f::TIME_ZONE),
    P::integer("tty", 0, 6),
    P::boolean("unprivileged"),
    P::properties("unused", v::CONTAINER_UNUSED).family(256),
];
pub(super) const CREATE_CONTAINER: &[P] = &[
    P::number("bwlimit", 0.0, ENDLESS),
    P::boolean("force"),
    P::boolean("ha-managed").since(9),
    P::boolean("ignore-unpack-errors"),
    P::short("ostemplate", 255).required(),
    P::text("password").length(5, usize::MAX),
    P::format("pool", f::POOL),
    P::text("ssh-public-keys"),
    P::boolean("restore"),
    P::boolean("start"),
    P::format("storage", f::STORAGE),
    P::boolean("unique").requires("restore"),
    P::vmid("vmid").required(),
];

/// What a firewall rule may hold, beside its action and its type.
pub(super) const RULE: &[P] = &[
    P::text("comment"),
    P::format("dest", fw::ADDRESS).length(0, 512),
    P::short("digest", 64),
    P::format("dport", fw::TO_PORT),
    P::integer("enable", 0, MANY),
    P::format("icmp-type", fw::ICMP_TYPE),
    P::format("iface", f::INTERFACE).length(2, 20),
    P::one_of("log", LEVELS),
    P::short("macro", 128),
    P::integer("pos", 0, MANY),
    P::format("proto", fw::PROTOCOL),
    P::format("source", fw::ADDRESS).length(0, 512),
    P::format("sport", fw::FROM_PORT),
];
const ACTION: &str = "[A-Za-z][A-Za-z0-9_-]+";
const DIRECTIONS: &[&str] = &["in", "out", "forward", "group"];
pub(super) const CREATE_RULE: &[P] = &[
    P::like("action", ACTION).length(2, 20).required(),
    P::one_of("type", DIRECTIONS).required(),
];
pub(super) const CHANGE_RULE: &[P] = &[
    P::like("action", ACTION).length(2, 20),
    P::one_of("type", DIRECTIONS),
    P::format("delete", f::CONFIG_ID_LIST),
    P::integer("moveto", 0, MANY),
];
pub(super) const DELETE_RULE: &[P] = &[P::short("digest", 64)];
pub(super) const FIREWALL_OPTIONS: &[P] = &[
    P::format("delete", f::CONFIG_ID_LIST),
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
