//! What AWS needs to know of a machine.

use smol_str::SmolStr;

use crate::block;

block! {
    /// Machines on AWS: EC2 for `vm`, Fargate for `serverless`.
    pub struct AwsCloud("cloud") {
        attributes {
            /// The AWS region: `eu-central-1`.
            region: SmolStr;
            /// The EC2 instance type, such as `m7i.large`. Without it, the cheapest that has the `resources` asked for.
            instance_type: Option<SmolStr>;
            /// The subnet (`subnet-...`). Without it, the default one of the zone.
            subnet_id: Option<SmolStr>;
            /// The security groups (`sg-...`). Without it, the VPC's default group.
            security_group_ids: Option<Vec<SmolStr>>;
            /// The machine image (`ami-...`), or the name of one. Without it, the newest Debian of AWS's own list.
            image: Option<SmolStr>;
            /// Whether machines are spot instances: much cheaper, and AWS may take one back at two minutes' notice.
            spot: bool = "false";
            /// The type of the EBS volume: `gp3`, `io2`. Without it, the image's.
            disk_type: Option<SmolStr>;
            /// The IAM instance profile of the machine: what jobs on it may do in AWS without a key.
            iam_instance_profile: Option<SmolStr>;
            /// Whether machines get a public address. Without it, as the subnet says.
            public_address: Option<bool>;
        }
    }
}
