//! Objects of a bucket, with S3's conditional writes: AWS S3, Yandex Object Storage, MinIO.

use std::time::SystemTime;

use async_trait::async_trait;
use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings,
    UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4;
use gosling_engine::fence::Unfenced;
use gosling_engine::store::remote::{Expect, Objects, PutError};
use gosling_engine::store::{StoreError, Version};
use gosling_resource::{Secret, harmless};
use reqwest::Url;
use rusty_s3::actions::ListObjectsV2;
use rusty_s3::{Bucket, UrlStyle};

use super::{LONGEST, patience, unanswered};
use crate::http::{Answer, Body, Client, Endpoint, Listing, Method, Request, SendError, is_private, segment};

/// Where a state is in an object storage, and how it is reached.
#[derive(Debug, Clone)]
pub struct S3Settings {
    /// The bucket.
    pub bucket: String,
    /// The start of the objects' names, without a `/` at its ends: `lab`.
    pub prefix: String,
    /// The bucket's region. Without it and with an endpoint, `us-east-1`, as MinIO has it.
    pub region: Option<String>,
    /// The storage's address; without it, that of AWS in this region.
    pub endpoint: Option<String>,
    /// The access key.
    pub keys: S3Keys,
    /// Whether the bucket's name goes into the path of an address instead of its host name.
    pub path_style: bool,
    /// The KMS key that the storage encrypts with.
    pub kms_key_id: Option<String>,
    /// Authorities that are believed beside the system's, as PEM: `GOSLING_CA_FILE`.
    pub extra_ca: Option<Vec<u8>>,
    /// How many earlier states are kept.
    pub kept: usize,
}

/// An access key of an object storage.
#[derive(Debug, Clone)]
pub struct S3Keys {
    /// Its id.
    pub access_key: String,
    /// Its secret half.
    pub secret_key: Secret,
    /// The token that goes with a key that was lent for a while.
    pub session_token: Option<Secret>,
}

impl S3Keys {
    /// The key that the environment of this process has, where the Nest names none.
    ///
    /// # Errors
    /// [`StoreError::Refused`] where it has none.
    pub fn from_environment(variable: impl Fn(&str) -> Option<String>) -> Result<Self, StoreError> {
        let variable = |name: &str| variable(name).filter(|value| !value.trim().is_empty());
        let missing = |name: &str| {
            StoreError::Refused {
            what: format!("no access key for the state's bucket: the environment has no {name}"),
            help: "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (and AWS_SESSION_TOKEN, for a temporary key), or \
                   name a key in the Nest: `state.access_key` and `state.secret_key`"
                .to_owned(),
        }
        };
        let needed = |name: &str| variable(name).ok_or_else(|| missing(name));
        Ok(Self {
            access_key: needed("AWS_ACCESS_KEY_ID")?,
            secret_key: Secret::new(needed("AWS_SECRET_ACCESS_KEY")?),
            session_token: variable("AWS_SESSION_TOKEN").map(Secret::new),
        })
    }
}

/// The objects of one state.
pub(super) struct S3Objects {
    client: Client,
    bucket: Bucket,
    credentials: Credentials,
    prefix: String,
    kms_key_id: Option<String>,
}

fn wrong(what: String, help: &str) -> StoreError {
    StoreError::Refused {
        what,
        help: help.to_owned(),
    }
}

/// The storage's address: what is set, or AWS's own.
fn address(settings: &S3Settings) -> Result<(Url, String), StoreError> {
    let region = match (&settings.region, &settings.endpoint) {
        (Some(region), _) => region.clone(),
        (None, Some(_)) => "us-east-1".to_owned(),
        (None, None) => {
            return Err(wrong(
                "the region of the state's bucket is not known".to_owned(),
                "set `state.region`, or `state.endpoint` where the storage is not AWS",
            ));
        }
    };
    let china = if region.starts_with("cn-") { ".cn" } else { "" };
    let text = match &settings.endpoint {
        Some(endpoint) => endpoint.clone(),
        None => format!("https://s3.{region}.amazonaws.com{china}"),
    };
    let url = Url::parse(&text).map_err(|error| {
        wrong(
            format!("state.endpoint is not an address: {error}"),
            "write it like `https://storage.yandexcloud.net`",
        )
    })?;
    if !is_private(&url) {
        return Err(wrong(
            format!(
                "state.endpoint = \"{}\" would send the state in the clear",
                url.origin().ascii_serialization()
            ),
            "use `https`; `http` is for a storage on this machine alone",
        ));
    }
    Ok((url, region))
}

impl S3Objects {
    pub(super) fn new(settings: S3Settings) -> Result<Self, StoreError> {
        let (url, region) = address(&settings)?;
        // A certificate for `*.s3...` is none for a name with a dot in it.
        let style = if settings.path_style || settings.bucket.contains('.') {
            UrlStyle::Path
        } else {
            UrlStyle::VirtualHost
        };
        let bucket = Bucket::new(url, style, settings.bucket.clone(), region).map_err(|error| {
            wrong(
                format!("the bucket \"{}\" has no address: {error}", settings.bucket),
                "where the endpoint is an address without a name, set `path_style = true`",
            )
        })?;
        let endpoint = Endpoint {
            extra_ca: settings.extra_ca,
            ..Endpoint::new(bucket.base_url().origin().ascii_serialization())
        };
        let client = Client::new(&endpoint).map_err(|error| unanswered("reach the state's bucket", error))?;
        let S3Keys {
            access_key,
            secret_key,
            session_token,
        } = settings.keys;
        let session_token = session_token.map(|token| token.expose().to_owned());
        let credentials = Credentials::new(access_key, secret_key.expose(), session_token, None, "gosling");
        Ok(Self {
            client,
            bucket,
            credentials,
            prefix: settings.prefix.trim_matches('/').to_owned(),
            kms_key_id: settings.kms_key_id,
        })
    }

    fn key(&self, name: &str) -> String {
        if self.prefix.is_empty() {
            name.to_owned()
        } else {
            format!("{}/{name}", self.prefix)
        }
    }

    /// The path of an object, as it is sent.
    fn path(&self, name: &str) -> String {
        self.bucket.object_url(&self.key(name)).path().to_owned()
    }

    /// A call whose headers are signed, with the digest of its body: nothing of a key is in its address, and nobody can
    /// send another body with its signature.
    fn request(
        &self,
        method: Method,
        path: String,
        headers: &[(&'static str, String)],
        body: &[u8],
    ) -> Result<Request, StoreError> {
        let unsigned = |why: String| StoreError::Io {
            what: "cannot sign a call to the state's bucket".to_owned(),
            why: std::io::Error::other(why),
        };
        let mut settings = SigningSettings::default();
        // S3 signs a path as it is sent.
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        let identity = self.credentials.clone().into();
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(self.bucket.region())
            .name("s3")
            .time(SystemTime::now())
            .settings(settings)
            .build()
            .map_err(|error| unsigned(error.to_string()))?
            .into();
        let address = format!("{}{path}", self.bucket.base_url().origin().ascii_serialization());
        let signed = SignableRequest::new(
            method.name(),
            &address,
            headers.iter().map(|(name, value)| (*name, value.as_str())),
            SignableBody::Bytes(body),
        )
        .and_then(|request| sign(request, &parameters))
        .map_err(|error| unsigned(error.to_string()))?;
        let (signature, _) = signed.into_parts();
        let mut request = Request::new(method, path);
        for (name, value) in headers {
            request = request.header(name, Secret::new(value.clone()));
        }
        for (name, value) in signature.headers() {
            let name = header_name(name).ok_or_else(|| unsigned(format!("it has a header `{name}`")))?;
            request = request.header(name, Secret::new(value.to_owned()));
        }
        Ok(request)
    }

    async fn send(&self, what: &str, request: &Request) -> Result<Answer, StoreError> {
        let sent = self.client.send(request, &Unfenced).await;
        sent.map_err(|error| unanswered(what, error))
    }

    fn refusal(&self, what: &str, answer: &Answer) -> StoreError {
        let said = Said::of(answer);
        let bucket = self.bucket.name();
        let what = format!("cannot {what}: {} says {said}", self.client.host());
        match said.help(bucket, self.bucket.region()) {
            Some(help) => StoreError::Refused { what, help },
            None => StoreError::Io {
                what,
                why: std::io::Error::other(format!("status {}", answer.status)),
            },
        }
    }

    fn what(&self, verb: &str, name: &str) -> String {
        format!("{verb} {}/{}", self.bucket_place(), self.key(name))
    }

    fn bucket_place(&self) -> String {
        format!("s3://{}", self.bucket.name())
    }
}

/// What a storage says in an error.
struct Said {
    status: u16,
    code: String,
    message: String,
    region: Option<String>,
}

impl Said {
    fn of(answer: &Answer) -> Self {
        let body = String::from_utf8_lossy(&answer.body);
        Self {
            status: answer.status,
            code: element(&body, "Code").unwrap_or_else(|| answer.reason.clone()),
            message: element(&body, "Message").unwrap_or_default(),
            region: element(&body, "Region")
                .or_else(|| answer.header("x-amz-bucket-region").map(str::to_owned))
                .or_else(|| expected_region(&element(&body, "Message")?)),
        }
    }

    /// A way out.
    fn help(&self, bucket: &str, region: &str) -> Option<String> {
        Some(match self.code.as_str() {
            "NoSuchBucket" => format!(
                "make the bucket `{bucket}` (with versioning off and no public access), or set `state.bucket`"
            ),
            "AccessDenied" | "AllAccessDisabled" | "Forbidden" => format!(
                "the key needs s3:GetObject, s3:PutObject and s3:DeleteObject on the state's objects and s3:ListBucket \
                 on `{bucket}`, and with `kms_key_id` kms:GenerateDataKey and kms:Decrypt: \
                 docs/guides/state-backends.md has the policy"
            ),
            "InvalidAccessKeyId" | "XAdminUserNotFound" => {
                "is `access_key` a key of this storage, and not deleted?".to_owned()
            }
            "SignatureDoesNotMatch" => {
                "`secret_key` does not belong to `access_key`, or was cut short".to_owned()
            }
            "ExpiredToken" | "InvalidToken" => {
                "the temporary key has expired: get a new one, and set AWS_SESSION_TOKEN with it".to_owned()
            }
            "RequestTimeTooSkewed" => "set this machine's clock".to_owned(),
            "PermanentRedirect"
            | "AuthorizationHeaderMalformed"
            | "AuthorizationQueryParametersError"
            | "IllegalLocationConstraintException"
            | "TemporaryRedirect"
            | "Moved Permanently" => match &self.region {
                Some(own) => format!("set `state.region = \"{own}\"`: the bucket is there, not in {region}"),
                None => format!("the bucket is not in the region {region}: set `state.region`"),
            },
            _ => return None,
        })
    }
}

impl std::fmt::Display for Said {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.status, self.code)?;
        if self.message.is_empty() {
            Ok(())
        } else {
            write!(f, ", {}", self.message)
        }
    }
}

/// The text of an element of S3's flat error documents.
fn element(body: &str, name: &str) -> Option<String> {
    let (_, rest) = body.split_once(&format!("<{name}>"))?;
    let (text, _) = rest.split_once(&format!("</{name}>"))?;
    Some(harmless(text.trim()))
}

/// The region that an error expects instead: `...; expecting 'eu-west-1'`, perhaps with its quotes escaped.
fn expected_region(message: &str) -> Option<String> {
    let (_, rest) = message.split_once("expecting ")?;
    let plain = rest.replace("&#34;", "").replace("&quot;", "");
    let region: String = plain
        .trim_start_matches(['\'', '"'])
        .chars()
        .take_while(|letter| letter.is_ascii_alphanumeric() || *letter == '-')
        .collect();
    (!region.is_empty()).then_some(region)
}

/// The headers that a signature adds.
fn header_name(name: &str) -> Option<&'static str> {
    const NAMES: [&str; 4] = [
        "authorization",
        "x-amz-date",
        "x-amz-content-sha256",
        "x-amz-security-token",
    ];
    NAMES.into_iter().find(|known| known.eq_ignore_ascii_case(name))
}

fn version(answer: &Answer) -> Option<Version> {
    answer.header("etag").map(|tag| Version(tag.to_owned()))
}

#[async_trait]
impl Objects for S3Objects {
    fn place(&self) -> String {
        let place = format!("{}/{}", self.bucket_place(), self.prefix);
        format!("{} at {}", place.trim_end_matches('/'), self.client.host())
    }

    async fn get(&self, name: &str) -> Result<Option<(Vec<u8>, Version)>, StoreError> {
        let request = self
            .request(Method::Get, self.path(name), &[], &[])?
            .longest(LONGEST)
            .timeout(patience(LONGEST));
        let what = self.what("read", name);
        let answer = self.send(&what, &request).await?;
        match answer.status {
            200 => match version(&answer) {
                Some(version) => Ok(Some((answer.body, version))),
                None => Err(wrong(
                    format!("cannot {what}: {} gives no ETag", self.client.host()),
                    "is it an object storage that speaks S3?",
                )),
            },
            // A proxy's 404 has no such code.
            404 if Said::of(&answer).code == "NoSuchKey" => Ok(None),
            _ => Err(self.refusal(&what, &answer)),
        }
    }

    async fn put(&self, name: &str, bytes: &[u8], expect: Expect<'_>) -> Result<Version, PutError> {
        let what = self.what("write", name);
        let mut headers = match expect {
            Expect::Absent => vec![("if-none-match", "*".to_owned())],
            Expect::Version(version) => vec![("if-match", version.0.clone())],
            Expect::Any => Vec::new(),
        };
        if let Some(key) = &self.kms_key_id {
            headers.push(("x-amz-server-side-encryption", "aws:kms".to_owned()));
            headers.push(("x-amz-server-side-encryption-aws-kms-key-id", key.clone()));
        }
        let request = self
            .request(Method::Put, self.path(name), &headers, bytes)
            .map_err(PutError::Refused)?
            .body(Body::Bytes {
                content_type: "application/octet-stream",
                bytes: bytes.to_vec(),
            })
            .timeout(patience(bytes.len()));
        let answer = match self.client.send(&request, &Unfenced).await {
            Ok(answer) => answer,
            Err(
                error @ SendError {
                    sent: false,
                    passing: false,
                    ..
                },
            ) => {
                return Err(PutError::Refused(unanswered(&what, error)));
            }
            Err(error) => return Err(PutError::Unknown(unanswered(&what, error))),
        };
        match answer.status {
            200..=299 => version(&answer).ok_or_else(|| {
                PutError::Refused(wrong(
                    format!("{}: {} gives no ETag", what, self.client.host()),
                    "is it an object storage that speaks S3?",
                ))
            }),
            // 409: another conditional write of this object is under way. 404: what was to be replaced is gone.
            409 | 412 => Err(PutError::Changed),
            404 if Said::of(&answer).code == "NoSuchKey" => Err(PutError::Changed),
            501 if expect != Expect::Any => Err(PutError::Refused(StoreError::NoConditions {
                place: self.place(),
                condition: format!("it says {}", Said::of(&answer)),
            })),
            408 | 500.. => Err(PutError::Unknown(self.refusal(&what, &answer))),
            _ => Err(PutError::Refused(self.refusal(&what, &answer))),
        }
    }

    async fn delete(&self, name: &str) -> Result<(), StoreError> {
        let request = self.request(Method::Delete, self.path(name), &[], &[])?;
        let what = self.what("delete", name);
        let answer = self.send(&what, &request).await?;
        match answer.status {
            200..=299 => Ok(()),
            404 if Said::of(&answer).code == "NoSuchKey" => Ok(()),
            _ => Err(self.refusal(&what, &answer)),
        }
    }

    async fn list(&self, prefix: &str) -> Result<Vec<String>, StoreError> {
        let whole = self.key(prefix);
        let what = self.what("list", prefix);
        let own = self.key("");
        let mut names = Vec::new();
        let mut next: Option<String> = None;
        let mut listing = Listing::default();
        loop {
            let mut path = format!(
                "{}?list-type=2&encoding-type=url&prefix={}",
                self.bucket.base_url().path(),
                segment(&whole)
            );
            if let Some(token) = &next {
                path += &format!("&continuation-token={}", segment(token));
            }
            let request = self.request(Method::Get, path, &[], &[])?;
            let answer = self.send(&what, &request).await?;
            let within = listing.page(self.client.host(), answer.body.len());
            within.map_err(|error| {
                wrong(
                    format!("cannot {what}: {error}"),
                    "is it an object storage that speaks S3?",
                )
            })?;
            if !answer.is_success() {
                return Err(self.refusal(&what, &answer));
            }
            let strange = |why: String| {
                wrong(
                    format!(
                        "cannot {what}: the answer of {} is not a list: {why}",
                        self.client.host()
                    ),
                    "is it an object storage that speaks S3?",
                )
            };
            let text = std::str::from_utf8(&answer.body).map_err(|error| strange(error.to_string()))?;
            let page = ListObjectsV2::parse_response(text).map_err(|error| strange(error.to_string()))?;
            let here = page
                .contents
                .iter()
                .filter_map(|object| object.key.strip_prefix(&own));
            names.extend(here.map(str::to_owned));
            match page.next_continuation_token {
                Some(token) => next = Some(token),
                None => return Ok(names),
            }
        }
    }
}
