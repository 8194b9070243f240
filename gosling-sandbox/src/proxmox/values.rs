//! The keys of the values of a configuration that are lists of properties.

use super::formats::{self as f, Format};
use super::properties::Properties;
use super::schema::Parameter as P;

const MANY: i64 = i64::MAX;
const ANY: i64 = i64::MIN;
const ENDLESS: f64 = f64::INFINITY;
/// `1;3-5`: numbers and ranges of them.
const RANGES: &str = r"\d+(?:-\d+)?(?:;\d+(?:-\d+)?)*";
const HEX_ID: &str = "0x[0-9a-fA-F]{1,4}";
const BASE64: &str = "[A-Za-z0-9+/]+={0,2}";

macro_rules! properties {
    ($($constant:ident $name:literal = $keys:expr;)*) => {
        $(pub(super) const $constant: &Properties = &Properties { name: $name, keys: &$keys };)*
    };
}

const FILE: &[P] = &[
    P::format("file", f::VOLUME_OR_PATH).required().first(),
    P::alias("volume", "file"),
    P::format("size", f::DISK_SIZE),
    P::format("import-from", f::VOLUME_OR_ABSOLUTE_PATH),
];
const IMAGE_FORMAT: &[P] = &[P::one_of(
    "format",
    &["raw", "qcow", "qed", "qcow2", "vmdk", "cloop"],
)];
/// What every drive may say.
const DRIVE: &[P] = &[
    P::one_of("aio", &["native", "threads", "io_uring"]),
    P::boolean("backup"),
    P::one_of(
        "cache",
        &["none", "writethrough", "writeback", "unsafe", "directsync"],
    ),
    P::integer("cyls", ANY, MANY).until(8),
    P::boolean("detect_zeroes"),
    P::one_of("discard", &["ignore", "on"]),
    P::integer("heads", ANY, MANY).until(8),
    P::one_of("media", &["cdrom", "disk"]),
    P::boolean("replicate"),
    P::one_of("rerror", &["ignore", "report", "stop"]),
    P::integer("secs", ANY, MANY).until(8),
    P::format("serial", f::URL_ENCODED).length(0, 60),
    P::boolean("shared"),
    P::boolean("snapshot"),
    P::one_of("trans", &["none", "lba", "auto"]).until(8),
    P::one_of("werror", &["enospc", "ignore", "report", "stop"]),
];
/// How fast a drive may be.
const THROTTLE: &[P] = &[
    P::integer("bps", ANY, MANY),
    P::integer("bps_max_length", 1, MANY),
    P::integer("bps_rd", ANY, MANY),
    P::alias("bps_rd_length", "bps_rd_max_length"),
    P::integer("bps_rd_max_length", 1, MANY),
    P::integer("bps_wr", ANY, MANY),
    P::alias("bps_wr_length", "bps_wr_max_length"),
    P::integer("bps_wr_max_length", 1, MANY),
    P::integer("iops", ANY, MANY),
    P::integer("iops_max", ANY, MANY),
    P::integer("iops_max_length", 1, MANY),
    P::integer("iops_rd", ANY, MANY),
    P::alias("iops_rd_length", "iops_rd_max_length"),
    P::integer("iops_rd_max", ANY, MANY),
    P::integer("iops_rd_max_length", 1, MANY),
    P::integer("iops_wr", ANY, MANY),
    P::alias("iops_wr_length", "iops_wr_max_length"),
    P::integer("iops_wr_max", ANY, MANY),
    P::integer("iops_wr_max_length", 1, MANY),
    P::number("mbps", -ENDLESS, ENDLESS),
    P::number("mbps_max", -ENDLESS, ENDLESS),
    P::number("mbps_rd", -ENDLESS, ENDLESS),
    P::number("mbps_rd_max", -ENDLESS, ENDLESS),
    P::number("mbps_wr", -ENDLESS, ENDLESS),
    P::number("mbps_wr_max", -ENDLESS, ENDLESS),
];
const SOLID_STATE: &[P] = &[P::boolean("ssd"), P::like("wwn", "0x[0-9a-fA-F]{16}")];
const IDE_MODEL: &[P] = &[P::format("model", f::URL_ENCODED).length(0, 120)];
const THREAD: &[P] = &[P::boolean("iothread"), P::boolean("ro")];

properties! {
    IDE "" = [FILE, IMAGE_FORMAT, DRIVE, THROTTLE, SOLID_STATE, IDE_MODEL];
    CDROM "pve-qm-ide" = [FILE, IMAGE_FORMAT, DRIVE, THROTTLE, SOLID_STATE, IDE_MODEL];
    SATA "" = [FILE, IMAGE_FORMAT, DRIVE, THROTTLE, SOLID_STATE];
    SCSI "" = [
        FILE, IMAGE_FORMAT, DRIVE, THROTTLE, SOLID_STATE, THREAD,
        &[
            P::like("product", r"[A-Za-z0-9\-_\s]{0,16}"),
            P::integer("queues", 2, MANY),
            P::boolean("scsiblock"),
            P::like("vendor", r"[A-Za-z0-9\-_\s]{0,8}"),
        ],
    ];
    VIRTIO "" = [FILE, IMAGE_FORMAT, DRIVE, THROTTLE, THREAD];
    EFI_DISK "" = [
        FILE, IMAGE_FORMAT,
        &[
            P::one_of("efitype", &["2m", "4m"]),
            P::one_of("ms-cert", &["2011", "2023", "2023w", "2023k"]).since(9),
            P::boolean("pre-enrolled-keys"),
        ],
    ];
    TPM_STATE "" = [
        FILE,
        &[
            P::one_of("format", &["raw", "qcow2", "vmdk"]).since(9),
            P::one_of("version", &["v1.2", "v2.0"]),
        ],
    ];
    UNUSED "" = [&[
        P::format("file", f::VOLUME).required().first(),
        P::alias("volume", "file"),
    ]];
    NET "" = [&[
        P::format("bridge", f::BRIDGE),
        P::model("e1000"),
        P::model("e1000-82540em"),
        P::model("e1000-82544gc"),
        P::model("e1000-82545em"),
        P::model("e1000e"),
        P::boolean("firewall"),
        P::model("i82551"),
        P::model("i82557b"),
        P::model("i82559er"),
        P::boolean("link_down"),
        P::format("macaddr", f::MAC),
        P::one_of(
            "model",
            &[
                "e1000", "e1000-82540em", "e1000-82544gc", "e1000-82545em", "e1000e", "i82551", "i82557b",
                "i82559er", "ne2k_isa", "ne2k_pci", "pcnet", "rtl8139", "virtio", "vmxnet3",
            ],
        )
        .required()
        .first(),
        P::integer("mtu", 1, 65_520),
        P::model("ne2k_isa"),
        P::model("ne2k_pci"),
        P::model("pcnet"),
        P::integer("queues", 0, 64),
        P::number("rate", 0.0, ENDLESS),
        P::model("rtl8139"),
        P::integer("tag", 1, 4094),
        P::like("trunks", RANGES),
        P::model("virtio"),
        P::model("vmxnet3"),
    ]];
    AGENT "" = [&[
        P::boolean("enabled").required().first(),
        P::boolean("freeze-fs").since(9),
        P::boolean("freeze-fs-on-backup").until(8),
        P::alias("freeze-fs-on-backup", "freeze-fs").since(9),
        P::boolean("fstrim_cloned_disks"),
        P::alias("guest-fsfreeze", "freeze-fs").since(9),
        P::one_of("type", &["virtio", "isa"]),
    ]];
    AUDIO "" = [&[
        P::one_of("device", &["ich9-intel-hda", "intel-hda", "AC97"]).required(),
        P::one_of("driver", &["spice", "none"]),
    ]];
    BOOT "pve-qm-boot" = [&[
        P::like("legacy", "[acdn]{1,4}").first(),
        P::like("order", r"(?:(?:ide|sata|scsi|virtio|net|usb|hostpci)\d+(?:;|$))*"),
    ]];
    CLOUD_INIT_FILES "pve-qm-cicustom" = [&[
        P::format("meta", f::VOLUME),
        P::format("network", f::VOLUME),
        P::format("user", f::VOLUME),
        P::format("vendor", f::VOLUME),
    ]];
    CPU "pve-vm-cpu-conf" = [&[
        P::format("cputype", CPU_TYPE).first(),
        P::format("flags", CPU_FLAGS),
        P::integer("guest-phys-bits", 32, 64).since(9),
        P::boolean("hidden"),
        P::like("hv-vendor-id", "[a-zA-Z0-9]{1,12}"),
        P::like("phys-bits", "[89]|[1-5][0-9]|6[0-4]|host"),
        P::one_of("reported-model", MODELS),
    ]];
    HOST_PCI "pve-qm-hostpci" = [&[
        P::like("device-id", HEX_ID),
        P::one_of("driver", &["vfio", "keep"]).since(9),
        P::like(
            "host",
            r"(?:[0-9a-f]{4,}:)?[0-9a-f]{2}:[0-9a-f]{2}(?:\.[0-9a-f])?(?:;(?:[0-9a-f]{4,}:)?[0-9a-f]{2}:[0-9a-f]{2}(?:\.[0-9a-f])?)*",
        )
        .first(),
        P::boolean("legacy-igd"),
        P::format("mapping", f::CONFIG_ID),
        P::text("mdev"),
        P::boolean("pcie"),
        P::boolean("rombar"),
        P::like("romfile", "[^,;]+"),
        P::like("sub-device-id", HEX_ID),
        P::like("sub-vendor-id", HEX_ID),
        P::like("vendor-id", HEX_ID),
        P::boolean("x-vga"),
    ]];
    IP_CONFIG "pve-qm-ipconfig" = [&[
        P::format("gw", f::IPV4).requires("ip"),
        P::format("gw6", f::IPV6).requires("ip6"),
        P::format("ip", f::IPV4_CONFIG),
        P::format("ip6", f::IPV6_CONFIG),
    ]];
    SHARED_MEMORY "" = [&[
        P::like("name", r"[a-zA-Z0-9\-]+"),
        P::integer("size", 1, MANY).required(),
    ]];
    MACHINE_TYPE "" = [&[
        P::number("aw-bits", 32.0, 64.0).since(9),
        P::boolean("enable-s3"),
        P::boolean("enable-s4"),
        P::like(
            "type",
            r"pc|pc(?:-i440fx)?-\d+(?:\.\d+)+(?:\+pve\d+)?(?:\.pxe)?|q35|pc-q35-\d+(?:\.\d+)+(?:\+pve\d+)?(?:\.pxe)?|virt(?:-\d+(?:\.\d+)+)?(?:\+pve\d+)?",
        )
        .length(0, 40)
        .first(),
        P::one_of("viommu", &["intel", "virtio"]),
    ]];
    MEMORY "" = [&[P::integer("current", 16, MANY).required().first()]];
    NUMA_NODE "" = [&[
        P::like("cpus", RANGES).required(),
        P::like("hostnodes", RANGES),
        P::number("memory", -ENDLESS, ENDLESS),
        P::one_of("policy", &["preferred", "bind", "interleave"]),
    ]];
    RANDOM "pve-qm-rng" = [&[
        P::integer("max_bytes", ANY, MANY),
        P::integer("period", ANY, MANY),
        P::one_of("source", &["/dev/urandom", "/dev/random", "/dev/hwrng"])
            .required()
            .first(),
    ]];
    SEV "pve-qemu-sev-fmt" = [&[
        P::boolean("allow-smt"),
        P::boolean("kernel-hashes"),
        P::boolean("no-debug"),
        P::boolean("no-key-sharing"),
        P::one_of("type", &["std", "es", "snp"]).required().first(),
    ]];
    TDX "pve-qemu-tdx-fmt" = [&[
        P::boolean("attestation").required(),
        P::one_of("type", &["tdx"]).required().first(),
        P::integer("vsock-cid", 2, MANY),
        P::integer("vsock-port", 0, MANY),
    ]];
    SMBIOS "pve-qm-smbios1" = [&[
        P::boolean("base64"),
        P::like("family", BASE64),
        P::like("manufacturer", BASE64),
        P::like("product", BASE64),
        P::like("serial", BASE64),
        P::like("sku", BASE64),
        P::like("uuid", "[a-fA-F0-9]{8}(?:-[a-fA-F0-9]{4}){3}-[a-fA-F0-9]{12}"),
        P::like("version", BASE64),
    ]];
    SPICE "" = [&[
        P::boolean("foldersharing"),
        P::one_of("videostreaming", &["off", "all", "filter"]),
    ]];
    USB "" = [&[
        P::like(
            "host",
            r"(?:0x)?[0-9A-Fa-f]{4}:(?:0x)?[0-9A-Fa-f]{4}|\d+-\d+(?:\.\d+)*|[Ss][Pp][Ii][Cc][Ee]",
        )
        .first(),
        P::format("mapping", f::CONFIG_ID),
        P::boolean("usb3"),
    ]];
    VGA "" = [&[
        P::one_of("clipboard", &["vnc"]),
        P::integer("memory", 4, 512),
        P::one_of(
            "type",
            &[
                "cirrus", "qxl", "qxl2", "qxl3", "qxl4", "none", "serial0", "serial1", "serial2", "serial3", "std",
                "virtio", "virtio-gl", "vmware",
            ],
        )
        .first(),
    ]];
    VIRTIO_FS "" = [&[
        P::one_of("cache", &["auto", "always", "metadata", "never"]),
        P::boolean("direct-io"),
        P::format("dirid", f::CONFIG_ID).required().first(),
        P::boolean("expose-acl"),
        P::boolean("expose-xattr"),
    ]];
    WATCHDOG "pve-qm-watchdog" = [&[
        P::one_of("action", &["reset", "shutdown", "poweroff", "pause", "debug", "none"]),
        P::one_of("model", &["i6300esb", "ib700"]).first(),
    ]];

    // Of containers.
    CONTAINER_DEVICE "" = [&[
        P::boolean("deny-write"),
        P::integer("gid", 0, MANY),
        P::like("mode", "0[0-7]{3}"),
        P::format("path", f::DEVICE).first(),
        P::integer("uid", 0, MANY),
    ]];
    CONTAINER_UNUSED "" = [&[P::format("volume", f::VOLUME).required().first()]];
    FEATURES "" = [&[
        P::boolean("force_rw_sys"),
        P::boolean("fuse"),
        P::boolean("keyctl"),
        P::boolean("mknod"),
        P::like("mount", "[a-zA-Z0-9_; ]+"),
        P::boolean("nesting"),
    ]];
    ROOT "" = [MOUNTED];
    MOUNT "" = [
        MOUNTED,
        &[
            P::boolean("backup"),
            P::boolean("keepattrs").since(9),
            P::format("mp", f::MOUNT).required(),
        ],
    ];
    CONTAINER_NET "" = [&[
        P::like("bridge", r"[-_.\w\d]+"),
        P::boolean("firewall"),
        P::format("gw", f::IPV4),
        P::format("gw6", f::IPV6),
        P::boolean("host-managed").since(9),
        P::format("hwaddr", f::MAC),
        P::format("ip", f::IPV4_CONFIG),
        P::format("ip6", f::IPV6_CONFIG),
        P::boolean("link_down"),
        P::integer("mtu", 64, 65_535),
        P::like("name", r"[-_.\w\d]+").required(),
        P::number("rate", -ENDLESS, ENDLESS),
        P::integer("tag", 1, 4094),
        P::like("trunks", r"\d+(?:;\d+)*"),
        P::one_of("type", &["veth"]),
    ]];
}

/// What a container's root and its other volumes may say.
const MOUNTED: &[P] = &[
    P::boolean("acl"),
    P::like(
        "mountoptions",
        "(?:discard|lazytime|noatime|nodev|noexec|nosuid)(?:;(?:discard|lazytime|noatime|nodev|noexec|nosuid))*",
    ),
    P::boolean("quota"),
    P::boolean("replicate"),
    P::boolean("ro"),
    P::boolean("shared"),
    P::format("size", f::DISK_SIZE),
    P::format("volume", f::MOUNT).required().first(),
];

/// A model, or one of a cluster's own.
const CPU_TYPE: &Format = &Format {
    name: "",
    check: |model| match MODELS.contains(&model) || model.starts_with("custom-") {
        true => Ok(()),
        false => Err(format!(
            "Built-in cputype '{model}' is not defined (missing 'custom-' prefix?)"
        )),
    },
};

/// `+aes;-pcid`: the flags of a CPU that a machine's own configuration may turn on and off.
const CPU_FLAGS: &Format = &Format {
    name: "",
    check: |flags| {
        let known = |flag: &str| {
            flag.strip_prefix(['+', '-'])
                .is_some_and(|flag| FLAGS.contains(&flag))
        };
        match flags.split(';').all(known) {
            true => Ok(()),
            false => Err(format!(
                "VM-specific CPU flags must be a subset of: {}",
                FLAGS.join(", ")
            )),
        }
    },
};

#[rustfmt::skip]
const FLAGS: &[&str] = &[
    "pcid", "spec-ctrl", "ibpb", "ssbd", "virt-ssbd", "amd-ssbd", "amd-no-ssb", "pdpe1gb", "md-clear", "hv-tlbflush",
    "hv-evmcs", "aes", "nested-virt",
];

/// The models of CPU that QEMU has.
#[rustfmt::skip]
const MODELS: &[&str] = &[
    "486", "athlon", "Broadwell", "Broadwell-IBRS", "Broadwell-noTSX", "Broadwell-noTSX-IBRS", "Cascadelake-Server",
    "Cascadelake-Server-noTSX", "Cascadelake-Server-v2", "Cascadelake-Server-v4", "Cascadelake-Server-v5",
    "ClearwaterForest", "Conroe", "Cooperlake", "Cooperlake-v2", "core2duo", "coreduo", "EPYC", "EPYC-Genoa",
    "EPYC-Genoa-v2", "EPYC-IBPB", "EPYC-Milan", "EPYC-Milan-v2", "EPYC-Milan-v3", "EPYC-Rome", "EPYC-Rome-v2",
    "EPYC-Rome-v3", "EPYC-Rome-v4", "EPYC-Rome-v5", "EPYC-Turin", "EPYC-v3", "EPYC-v4", "EPYC-v5", "GraniteRapids",
    "GraniteRapids-v2", "GraniteRapids-v3", "Haswell", "Haswell-IBRS", "Haswell-noTSX", "Haswell-noTSX-IBRS", "host",
    "Icelake-Client", "Icelake-Client-noTSX", "Icelake-Server", "Icelake-Server-noTSX", "Icelake-Server-v3",
    "Icelake-Server-v4", "Icelake-Server-v5", "Icelake-Server-v6", "Icelake-Server-v7", "IvyBridge", "IvyBridge-IBRS",
    "KnightsMill", "kvm32", "kvm64", "max", "Nehalem", "Nehalem-IBRS", "Opteron_G1", "Opteron_G2", "Opteron_G3",
    "Opteron_G4", "Opteron_G5", "Penryn", "pentium", "pentium2", "pentium3", "phenom", "qemu32", "qemu64",
    "SandyBridge", "SandyBridge-IBRS", "SapphireRapids", "SapphireRapids-v2", "SapphireRapids-v3",
    "SapphireRapids-v4", "SierraForest", "SierraForest-v2", "SierraForest-v3", "Skylake-Client",
    "Skylake-Client-IBRS", "Skylake-Client-noTSX-IBRS", "Skylake-Client-v4", "Skylake-Server", "Skylake-Server-IBRS",
    "Skylake-Server-noTSX-IBRS", "Skylake-Server-v4", "Skylake-Server-v5", "Westmere", "Westmere-IBRS",
    "x86-64-v2", "x86-64-v2-AES", "x86-64-v3", "x86-64-v4",
];
