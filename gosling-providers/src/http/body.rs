//! Bodies, each sent with its length: Proxmox VE takes no chunks.

use serde_json::Value;

/// What is sent with a request. It may hold secrets: it is never shown.
#[derive(Clone, Default)]
pub enum Body {
    /// Nothing.
    #[default]
    None,
    /// `application/x-www-form-urlencoded`.
    Form(Vec<(String, String)>),
    /// `application/json`.
    Json(Value),
    /// These bytes, of this type.
    Bytes {
        /// The content type.
        content_type: &'static str,
        /// What is sent.
        bytes: Vec<u8>,
    },
    /// `multipart/form-data`: the fields in order, then the file.
    Multipart {
        /// Name and text of each.
        fields: Vec<(String, String)>,
        /// The last part.
        file: Upload,
    },
}

/// A file in a body.
#[derive(Clone)]
pub struct Upload {
    /// The name of the form's field.
    pub field: String,
    /// The file's name.
    pub name: String,
    /// What is in it.
    pub bytes: Vec<u8>,
}

impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Form(_) => "Form(..)",
            Self::Json(_) => "Json(..)",
            Self::Bytes { .. } => "Bytes(..)",
            Self::Multipart { .. } => "Multipart(..)",
        })
    }
}

impl Body {
    /// The bytes and their content type.
    pub(super) fn encode(&self) -> Option<(String, Vec<u8>)> {
        match self {
            Self::None => None,
            Self::Form(pairs) => {
                let mut form = form_urlencoded::Serializer::new(String::new());
                form.extend_pairs(pairs);
                let content_type = "application/x-www-form-urlencoded".to_owned();
                Some((content_type, form.finish().into_bytes()))
            }
            Self::Json(value) => Some(("application/json".to_owned(), value.to_string().into_bytes())),
            Self::Bytes { content_type, bytes } => Some(((*content_type).to_owned(), bytes.clone())),
            Self::Multipart { fields, file } => Some(multipart(fields, file)),
        }
    }
}

fn multipart(fields: &[(String, String)], file: &Upload) -> (String, Vec<u8>) {
    // 124 random bits do not stand in the file by chance.
    let letters = std::iter::repeat_with(fastrand::alphanumeric).take(24);
    let boundary: String = "gosling-".chars().chain(letters).collect();
    let mut bytes = Vec::with_capacity(file.bytes.len() + 1024);
    for (name, value) in fields {
        let name = quoted(name);
        let part =
            format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
        bytes.extend_from_slice(part.as_bytes());
    }
    let (field, name) = (quoted(&file.field), quoted(&file.name));
    let head = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"{field}\"; filename=\"{name}\"\r\n\
         Content-Type: application/octet-stream\r\n\r\n"
    );
    bytes.extend_from_slice(head.as_bytes());
    bytes.extend_from_slice(&file.bytes);
    bytes.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    (format!("multipart/form-data; boundary={boundary}"), bytes)
}

/// A name that cannot end the header it stands in, as HTML 5 escapes it.
fn quoted(name: &str) -> String {
    name.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_escaped() {
        let pairs = vec![("description".to_owned(), "a=b & c\nü".to_owned())];
        let (kind, bytes) = Body::Form(pairs).encode().unwrap();
        assert_eq!(kind, "application/x-www-form-urlencoded");
        assert_eq!(bytes, b"description=a%3Db+%26+c%0A%C3%BC");
    }

    #[test]
    fn a_file_comes_after_the_fields() {
        let file = Upload {
            field: "filename".to_owned(),
            name: "a\"\r\n.iso".to_owned(),
            bytes: b"data".to_vec(),
        };
        let fields = vec![("content".to_owned(), "iso".to_owned())];
        let (kind, bytes) = Body::Multipart { fields, file }.encode().unwrap();
        let boundary = kind.strip_prefix("multipart/form-data; boundary=").unwrap();
        let text = String::from_utf8(bytes).unwrap();
        let expected = [
            "--B",
            "Content-Disposition: form-data; name=\"content\"",
            "",
            "iso",
            "--B",
            "Content-Disposition: form-data; name=\"filename\"; filename=\"a%22%0D%0A.iso\"",
            "Content-Type: application/octet-stream",
            "",
            "data",
            "--B--",
            "",
        ];
        assert_eq!(
            text.replace(boundary, "B").split("\r\n").collect::<Vec<_>>(),
            expected
        );
    }
}
