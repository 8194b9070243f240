//! The NoCloud image: what a machine reads at its first boot, as the only way that the API alone leaves.

use std::collections::BTreeMap;
use std::io::Cursor;
use std::sync::Arc;

use gosling_engine::{CallError, Context};
use gosling_resource::{Secret, Template};
use hadris_iso::joliet::JolietLevel;
use hadris_iso::read::PathSeparator;
use hadris_iso::rrip::RripOptions;
use hadris_iso::write::options::{BaseIsoLevel, CreationFeatures, IsoFormatOptions};
use hadris_iso::write::{File, InputFiles, IsoImageWriter};

/// The files of a NoCloud image.
pub(super) struct Seed {
    /// `user-data`, `meta-data`, perhaps `network-config`.
    files: Vec<(&'static str, Secret)>,
}

impl Seed {
    /// The files for one machine. A new `instance` makes cloud-init run anew.
    pub(super) async fn of(
        cx: &Context<'_>,
        instance: &str,
        name: &str,
        user_data: &Template,
        network_config: Option<&Template>,
    ) -> Result<Self, CallError> {
        // JSON is YAML too, and its strings cannot break out.
        let meta_data = serde_json::json!({"instance-id": instance, "local-hostname": name}).to_string();
        let mut files = vec![
            ("user-data", filled(cx, user_data).await?),
            ("meta-data", Secret::new(meta_data + "\n")),
        ];
        if let Some(template) = network_config {
            files.push(("network-config", filled(cx, template).await?));
        }
        Ok(Self { files })
    }

    /// The image: a volume called `cidata`, its names in Rock Ridge and in Joliet.
    pub(super) fn image(&self) -> Result<Vec<u8>, CallError> {
        let file = |(name, contents): &(&str, Secret)| File::File {
            name: Arc::new((*name).to_owned()),
            contents: contents.expose().as_bytes().to_vec(),
        };
        let files = InputFiles {
            path_separator: PathSeparator::ForwardSlash,
            files: self.files.iter().map(file).collect(),
        };
        let options = IsoFormatOptions {
            volume_name: "cidata".to_owned(),
            system_id: None,
            volume_set_id: None,
            publisher_id: None,
            preparer_id: None,
            application_id: None,
            sector_size: 2048,
            path_separator: PathSeparator::ForwardSlash,
            features: CreationFeatures {
                filenames: BaseIsoLevel::Level1 {
                    supports_lowercase: false,
                    supports_rrip: true,
                },
                joliet: Some(JolietLevel::Level3),
                rock_ridge: Some(RripOptions::default()),
                ..CreationFeatures::default()
            },
            strict_charset: false,
        };
        let image = IsoImageWriter::create(Cursor::new(Vec::new()), files, options)
            .map_err(|error| CallError::failed(format!("cannot make the NoCloud image: {error}")))?;
        Ok(image.into_inner())
    }
}

/// A template with the values of its secrets in it.
async fn filled(cx: &Context<'_>, template: &Template) -> Result<Secret, CallError> {
    let mut values = BTreeMap::new();
    for uri in template.secrets() {
        if !values.contains_key(uri) {
            values.insert(uri.clone(), cx.secrets.read(uri).await?);
        }
    }
    template.fill(|uri| {
        let value = values.get(uri).cloned();
        value.ok_or_else(|| CallError::failed(format!("{uri} was not read")))
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_volume_is_called_as_cloud_init_looks_for_it() {
        let user_data = "#cloud-config\n".repeat(300);
        let files = [("user-data", user_data.as_str()), ("meta-data", "{}\n")];
        let seed = Seed {
            files: files
                .map(|(name, text)| (name, Secret::new(text.to_owned())))
                .to_vec(),
        };
        let image = seed.image().unwrap();
        let sectors: Vec<&[u8]> = image.chunks_exact(2048).collect();
        let (plain, joliet) = (sectors[16], sectors[17]);
        assert_eq!(&plain[..7], b"\x01CD001\x01");
        assert_eq!(&plain[40..72], format!("{:32}", "cidata").as_bytes());
        assert_eq!(&joliet[..7], b"\x02CD001\x01");
        assert_eq!(&joliet[40..52], b"\0c\0i\0d\0a\0t\0a");
        let starts = |sector: &&&[u8]| sector.starts_with(b"#cloud-config\n");
        let start = sectors.iter().position(|sector| starts(&sector)).unwrap();
        let file = &image[start * 2048..][..user_data.len()];
        assert_eq!(file, user_data.as_bytes(), "the file is in one piece");
    }
}
