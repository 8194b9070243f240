//! Reads one file out of an ISO 9660 image, as cloud-init reads the NoCloud image in a machine's drive.

const SECTOR: usize = 2048;
/// A volume descriptor set that never ends is no image.
const DESCRIPTORS: usize = 32;
/// No honest root directory of such an image is longer.
const LONGEST_DIRECTORY: usize = 1 << 20;

/// A volume descriptor that matters here.
struct Descriptor<'a> {
    /// Whether names are in UCS-2 (Joliet).
    joliet: bool,
    bytes: &'a [u8],
}

/// The file `name` of the root directory, if the volume is called `cidata`.
pub(super) fn cidata_file(image: &[u8], name: &str) -> Option<Vec<u8>> {
    let descriptors = descriptors(image);
    let label = |descriptor: &Descriptor| {
        let bytes = descriptor.bytes.get(40..72).unwrap_or_default();
        let text = if descriptor.joliet {
            ucs2(bytes)
        } else {
            String::from_utf8_lossy(bytes).into_owned()
        };
        text.trim_end_matches([' ', '\0']).eq_ignore_ascii_case("cidata")
    };
    if !descriptors.iter().any(label) {
        return None;
    }
    descriptors
        .iter()
        .find_map(|descriptor| find(image, descriptor, name))
}

fn descriptors(image: &[u8]) -> Vec<Descriptor<'_>> {
    let sectors = image.get(16 * SECTOR..).unwrap_or_default().chunks_exact(SECTOR);
    let described = sectors
        .take(DESCRIPTORS)
        .take_while(|sector| &sector[1..6] == b"CD001" && sector[0] != 255);
    let mut found = Vec::new();
    for bytes in described {
        let joliet = bytes[0] == 2
            && [b"%/@", b"%/C", b"%/E"]
                .iter()
                .any(|escape| bytes[88..91] == escape[..]);
        if bytes[0] == 1 || joliet {
            found.push(Descriptor { joliet, bytes });
        }
    }
    found
}

/// Looks a name up in a descriptor's root directory.
fn find(image: &[u8], descriptor: &Descriptor, name: &str) -> Option<Vec<u8>> {
    let root = extent(image, descriptor.bytes.get(156..190)?)?;
    if root.len() > LONGEST_DIRECTORY {
        return None;
    }
    let mut at = 0;
    while at < root.len() {
        let length = usize::from(root[at]);
        if length == 0 {
            // A record never crosses a sector: the rest of this one is empty.
            at = (at / SECTOR + 1) * SECTOR;
            continue;
        }
        let record = root.get(at..at + length)?;
        at += length;
        let is_folder = record.get(25)? & 2 != 0;
        let length = usize::from(*record.get(32)?);
        let identifier = record.get(33..33 + length)?;
        let system = record
            .get(33 + length + usize::from(length.is_multiple_of(2))..)
            .unwrap_or_default();
        if !is_folder && named(descriptor, identifier, system, name) {
            return extent(image, record).map(<[u8]>::to_vec);
        }
    }
    None
}

/// The bytes that a directory record stands for.
fn extent<'a>(image: &'a [u8], record: &[u8]) -> Option<&'a [u8]> {
    let number = |at: usize| {
        let bytes = record.get(at..at + 4)?.try_into().ok()?;
        usize::try_from(u32::from_le_bytes(bytes)).ok()
    };
    let start = number(2)?.checked_mul(SECTOR)?;
    image.get(start..start.checked_add(number(10)?)?)
}

/// Whether Linux would show a record under this name: by Rock Ridge, by Joliet, or else the plain name in lower case
/// without its version. An image with plain names alone says `user_dat`, and cloud-init finds nothing.
fn named(descriptor: &Descriptor, identifier: &[u8], system: &[u8], name: &str) -> bool {
    if let Some(long) = rock_ridge(system) {
        return long == name;
    }
    if descriptor.joliet {
        return ucs2(identifier).split(';').next() == Some(name);
    }
    let identifier = String::from_utf8_lossy(identifier).to_ascii_lowercase();
    let identifier = identifier.split(';').next().unwrap_or_default();
    identifier.trim_end_matches('.') == name
}

/// The `NM` entries of a record's system use area.
fn rock_ridge(system: &[u8]) -> Option<String> {
    let mut rest = system;
    let mut name = Vec::new();
    while let [first, second, length, ..] = *rest {
        let length = usize::from(length);
        if length < 4 || length > rest.len() {
            break;
        }
        if [first, second] == *b"NM" {
            name.extend_from_slice(rest.get(5..length)?);
        }
        rest = &rest[length..];
    }
    (!name.is_empty()).then(|| String::from_utf8_lossy(&name).into_owned())
}

fn ucs2(bytes: &[u8]) -> String {
    let units: Vec<u16> = bytes
        .chunks_exact(2)
        .map(|pair| u16::from_be_bytes([pair[0], pair[1]]))
        .collect();
    String::from_utf16_lossy(&units)
}

#[cfg(test)]
pub(crate) mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;

    /// An image with one file in its root directory.
    fn image(kind: u8, label: &[u8], identifier: &[u8], system: &[u8], data: &[u8]) -> Vec<u8> {
        let mut image = vec![0; 20 * SECTOR];
        let record = |sector: u32, length: usize, flags: u8, identifier: &[u8], system: &[u8]| {
            let mut record = vec![0; 33];
            record[2..6].copy_from_slice(&sector.to_le_bytes());
            record[10..14].copy_from_slice(&u32::try_from(length).unwrap().to_le_bytes());
            record[25] = flags;
            record[32] = u8::try_from(identifier.len()).unwrap();
            record.extend_from_slice(identifier);
            if identifier.len().is_multiple_of(2) {
                record.push(0);
            }
            record.extend_from_slice(system);
            record[0] = u8::try_from(record.len()).unwrap();
            record
        };
        let head = 16 * SECTOR;
        image[head] = kind;
        image[head + 1..head + 6].copy_from_slice(b"CD001");
        image[head + 40..head + 40 + label.len()].copy_from_slice(label);
        if kind == 2 {
            image[head + 88..head + 91].copy_from_slice(b"%/E");
        }
        let root = record(18, SECTOR, 2, &[0], &[]);
        image[head + 156..head + 156 + root.len()].copy_from_slice(&root);
        image[17 * SECTOR] = 255;
        image[17 * SECTOR + 1..17 * SECTOR + 6].copy_from_slice(b"CD001");
        let file = record(19, data.len(), 0, identifier, system);
        image[18 * SECTOR..18 * SECTOR + file.len()].copy_from_slice(&file);
        image[19 * SECTOR..19 * SECTOR + data.len()].copy_from_slice(data);
        image
    }

    /// A NoCloud image with this user-data.
    pub(crate) fn cidata(user_data: &[u8]) -> Vec<u8> {
        image(
            1,
            b"cidata",
            b"USER_DAT.;1",
            b"NM\x0e\x01\x00user-data",
            user_data,
        )
    }

    fn wide(text: &str) -> Vec<u8> {
        text.encode_utf16().flat_map(u16::to_be_bytes).collect()
    }

    #[test]
    fn each_way_to_write_a_name_is_read() {
        let data = b"#cloud-config\n";
        let plain = image(1, b"CIDATA  ", b"USER-DATA.;1", &[], data);
        assert_eq!(cidata_file(&plain, "user-data").as_deref(), Some(&data[..]));
        let short = image(1, b"cidata", b"USER_DAT.;1", &[], data);
        assert_eq!(
            cidata_file(&short, "user-data"),
            None,
            "Linux shows it as user_dat"
        );
        let rock_ridge = image(1, b"cidata", b"X.;1", b"NM\x0e\x01\x00user-data", data);
        assert_eq!(cidata_file(&rock_ridge, "user-data").as_deref(), Some(&data[..]));
        let joliet = image(2, &wide("cidata"), &wide("user-data"), &[], data);
        assert_eq!(cidata_file(&joliet, "user-data").as_deref(), Some(&data[..]));
    }

    #[test]
    fn another_label_or_no_image_is_nothing() {
        let other = image(1, b"config-2", b"USER-DATA.;1", &[], b"x");
        assert_eq!(cidata_file(&other, "user-data"), None);
        assert_eq!(cidata_file(b"short", "user-data"), None);
        let whole = image(1, b"cidata", b"USER-DATA.;1", &[], b"x");
        for length in 0..whole.len() / SECTOR {
            cidata_file(&whole[..length * SECTOR], "user-data");
        }
    }
}
