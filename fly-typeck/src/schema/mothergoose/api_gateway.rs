//! The server's door.

use std::collections::BTreeSet;

use smol_str::SmolStr;

use super::Role;
use crate::{block, words};
use fly_domain::{Duration, Fqdn, NestPath};

block! {
    /// The server's door to the internet: API Gateway of the cloud, where GitLab and GitHub report and people's tools ask.
    pub struct ApiGateway("api_gateway") {
        attributes {
            /// Its name in the cloud.
            name: SmolStr;
            /// The host name it answers to. Without it, the one the cloud makes up.
            domain: Option<Fqdn>;
            /// The certificate for `domain`: an ARN of AWS Certificate Manager, or an id of Yandex Certificate Manager.
            certificate: Option<SmolStr>;
            /// An OpenAPI description of the gateway, as a file of the Nest. Without it, it is made from the server's own.
            openapi_spec: Option<NestPath>;
        }
        blocks {
            auth_function: Option<AuthFunction>;
            cors: Option<Cors>;
        }
    }
}

block! {
    /// A function that checks webhook secrets and API tokens before the app is even started.
    pub struct AuthFunction("auth_function") {
        extends { role: Role }
        attributes {}
    }
}

words! {
    /// A method of HTTP.
    pub enum HttpMethod("HTTP method") {
        /// Reads.
        Get = "GET",
        /// Creates, or starts something.
        Post = "POST",
        /// Replaces.
        Put = "PUT",
        /// Changes a part.
        Patch = "PATCH",
        /// Removes.
        Delete = "DELETE",
        /// Asks what is allowed: what browsers send first.
        Options = "OPTIONS",
    }
}

block! {
    /// Which web pages of other hosts may use the API. Without this block, none.
    pub struct Cors("cors") {
        attributes {
            /// Where such pages come from: `https://dashboard.example.com`, or `*` for anywhere.
            allowed_origins: Vec<SmolStr>;
            /// The HTTP methods they may use.
            allowed_methods: BTreeSet<HttpMethod> = "[\"GET\", \"POST\", \"PUT\", \"PATCH\", \"DELETE\", \"OPTIONS\"]";
            /// The headers they may send, besides those that are always allowed.
            allowed_headers: Vec<SmolStr> = "[]";
            /// How long a browser may remember these answers. A bare integer is taken as seconds.
            max_age: Duration = "1h", bare("s");
        }
    }
}
