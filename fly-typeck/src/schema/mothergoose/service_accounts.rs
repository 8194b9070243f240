//! Who the server's parts act as.

use smol_str::SmolStr;

use crate::block;
use crate::schema::Rule;

block! {
    /// Who the server's parts act as in the cloud: service accounts of Yandex Cloud, or IAM roles of AWS. Each block is
    /// one, under a name of your choice.
    pub struct ServiceAccounts("service_accounts") {
        attributes {}
        any_block { accounts: ServiceAccount }
    }
}

block! {
    /// One service account.
    pub struct ServiceAccount("service_account") {
        attributes {
            /// Its name in the cloud.
            name: SmolStr;
            /// The roles it has in the folder, as Yandex Cloud calls them: `ydb.editor`; on AWS, the ARNs or names of
            /// managed policies.
            roles: Option<Vec<SmolStr>>;
            /// What it may do, as IAM actions: `sqs:SendMessage`.
            policies: Option<Vec<SmolStr>>, only("aws");
        }
        rules [Rule::ExactlyOne(&["roles", "policies"])]
    }
}
