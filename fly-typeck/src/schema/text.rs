//! Rust types for attributes that are texts with a meaning of their own.

use std::fmt;

use smol_str::SmolStr;

use super::Typed;
use crate::types::{Reference, Type};
use crate::value::Value;
use fly_domain::{SecretUri, TextForm};

/// A text that checking has made sure of.
macro_rules! checked_text {
    ($($(#[doc = $doc:literal])+ $name:ident => $ty:expr;)+) => {$(
        $(#[doc = $doc])+
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub SmolStr);

        impl $name {
            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl Typed for $name {
            fn ty() -> Type {
                $ty
            }
            fn read(value: &Value) -> Option<Self> {
                value.as_str().map(|text| Self(text.into()))
            }
        }
    )+};
}

checked_text! {
    /// The name of a provider: `aws`, or `proxmox.dc2` for `provider "proxmox" "dc2"`.
    ProviderName => Type::Reference(Reference::Provider);
    /// The name of an egg or an eggsbucket: `api`.
    EntityName => Type::Reference(Reference::Entity);
    /// An address: `egg.api`.
    AddressName => Type::Reference(Reference::Address);
    /// The name of one of mothergoose's `service_accounts`.
    ServiceAccountName => Type::Reference(Reference::ServiceAccount);
    /// The name of one of mothergoose's `message_queues`.
    QueueName => Type::Reference(Reference::Queue);
    /// The name of one of mothergoose's roles: `fastapi_app`.
    RoleName => Type::Reference(Reference::Role);
    /// A condition over the facts of a runner, in its canonical text: `failed_count >= 3 && age > 1h`.
    Predicate => Type::Predicate;
    /// A type as it is written: `list(string)`.
    TypeExpression => Type::TypeExpression;
    /// A server by its host (`gitlab.example.com`) or its address (`http://gitlab.lab:8080`).
    Server => Type::union([Type::Text(TextForm::Fqdn), Type::Text(TextForm::Url)]);
}

impl ProviderName {
    /// Which provider it is: `proxmox` of `proxmox.dc2`.
    #[must_use]
    pub fn kind(&self) -> &str {
        self.0.split_once('.').map_or(self.as_str(), |(kind, _)| kind)
    }
}

impl Server {
    /// The server's address without a slash at its end; a host alone is reached by https.
    #[must_use]
    pub fn base_url(&self) -> String {
        let text = self.0.trim_end_matches('/');
        if text.contains("://") {
            text.to_owned()
        } else {
            format!("https://{text}")
        }
    }
}

/// A text that may be a secret: the value of an environment variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PlainOrSecret {
    /// The text itself.
    Plain(SmolStr),
    /// Where the secret is kept.
    Secret(SecretUri),
}

impl Typed for PlainOrSecret {
    fn ty() -> Type {
        Type::union([Type::String, Type::Secret])
    }
    fn read(value: &Value) -> Option<Self> {
        match value {
            Value::String(text) => Some(Self::Plain(text.clone())),
            Value::Secret(uri) => Some(Self::Secret(uri.clone())),
            _ => None,
        }
    }
}

impl Typed for Value {
    fn ty() -> Type {
        Type::Any
    }
    fn read(value: &Value) -> Option<Self> {
        Some(value.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_a_host_or_an_address() {
        assert_eq!(Server("gitlab.com".into()).base_url(), "https://gitlab.com");
        assert_eq!(
            Server("http://gitlab.lab:8080/".into()).base_url(),
            "http://gitlab.lab:8080"
        );
    }

    #[test]
    fn a_provider_knows_its_kind() {
        assert_eq!(ProviderName("proxmox.dc2".into()).kind(), "proxmox");
        assert_eq!(ProviderName("aws".into()).kind(), "aws");
    }
}
