//! The server's memory.

use std::collections::BTreeMap;

use smol_str::SmolStr;

use crate::{block, words};

words! {
    /// A database that the server can use.
    pub enum DatabaseType("database type") {
        /// Yandex Database, on Yandex Cloud only.
        Ydb = "ydb",
        /// Amazon DynamoDB, on AWS only.
        Dynamodb = "dynamodb",
    }
}

words! {
    /// How a database is paid for.
    pub enum DatabaseMode("database mode") {
        /// By request, on Yandex Cloud.
        Serverless = "serverless",
        /// By machine, on Yandex Cloud.
        Dedicated = "dedicated",
        /// By request, on AWS.
        OnDemand = "on_demand",
        /// By reserved throughput, on AWS.
        Provisioned = "provisioned",
    }
}

block! {
    /// The server's database.
    pub struct Database("database") {
        attributes {
            /// Which database: `ydb` on Yandex Cloud, `dynamodb` on AWS.
            kind as "type": DatabaseType;
            /// Its name in the cloud; on AWS the tables' names start with it.
            name: SmolStr;
            /// How it is paid for: `serverless` or `dedicated` on Yandex Cloud, `on_demand` or `provisioned` on AWS.
            /// Without it, by request.
            mode: Option<DatabaseMode>;
        }
        blocks {
            tables: Option<Tables>;
        }
    }
}

block! {
    /// Tables beyond those that the server makes for itself. Each block is one, under the table's name.
    pub struct Tables("tables") {
        attributes {}
        any_block { tables: Table }
    }
}

words! {
    /// What a column holds.
    pub enum ColumnType("column type") {
        /// Text.
        String = "string",
        /// A whole number.
        Int = "int",
        /// A number.
        Float = "float",
        /// True or false.
        Bool = "bool",
        /// Bytes.
        Bytes = "bytes",
        /// A moment in time.
        Timestamp = "timestamp",
        /// A JSON document.
        Json = "json",
    }
}

block! {
    /// One table.
    pub struct Table("table") {
        attributes {
            /// The column that rows are found by.
            key: SmolStr;
            /// A second column of the key, by which rows of one `key` are sorted.
            sort_key: Option<SmolStr>;
            /// Each column and what it holds, those of the key included.
            columns: BTreeMap<SmolStr, ColumnType>;
            /// The column that says when a row may go; it holds a timestamp. Without it, rows stay.
            ttl: Option<SmolStr>;
        }
        blocks {
            indexes: Option<Indexes>;
        }
    }
}

block! {
    /// Further ways to find rows. Each block is one, under a name of your choice.
    pub struct Indexes("indexes") {
        attributes {}
        any_block { indexes: Index }
    }
}

block! {
    /// One index.
    pub struct Index("index") {
        attributes {
            /// The columns that rows are found by, in their order.
            columns: Vec<SmolStr>;
        }
    }
}
