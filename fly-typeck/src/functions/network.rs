//! Addresses and networks.

use super::shapes::{int, text};
use super::{Arity, CallError, Context, Function, arguments};
use crate::types::Type;
use crate::value::Value;
use fly_domain::{Cidr, TextForm};

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "cidrhost",
        signature: "cidrhost(cidr, number: int) -> string",
        doc: "The address with this number in the network; a negative number counts from the end, -1 is the last.",
        example: "cidrhost(\"10.0.0.0/24\", 5)  # => \"10.0.0.5\"",
        arity: Arity::exactly(2),
        carries_secrets: false,
        check: |types| {
            text(types, 0)?;
            int(types, 1).map(|()| Type::String)
        },
        call: |values, _| {
            let (cidr, number) = (cidr(values)?, arguments::int(values, 1)?);
            let network = cidr.network();
            let host = cidr.host(number);
            let host =
                host.ok_or_else(|| CallError::at(1, format!("{network} has no address number {number}")))?;
            Ok(Value::string(host.to_string()))
        },
    },
    Function {
        name: "cidrsubnet",
        signature: "cidrsubnet(cidr, bits: int, number: int) -> cidr",
        doc: "The network is cut into parts whose prefix is so many bits longer; this is the part with this number.",
        example: "cidrsubnet(\"10.0.0.0/16\", 8, 2)  # => \"10.0.2.0/24\"",
        arity: Arity::exactly(3),
        carries_secrets: false,
        check: |types| {
            text(types, 0)?;
            int(types, 1)?;
            int(types, 2).map(|()| Type::Text(TextForm::Cidr))
        },
        call: subnet,
    },
];

fn cidr(values: &[Value]) -> Result<Cidr, CallError> {
    let text = arguments::text(values, 0)?;
    Cidr::parse(text).map_err(|malformed| CallError::at(0, format!("it is not a cidr: {malformed}")))
}

fn subnet(values: &[Value], _: &Context<'_>) -> Result<Value, CallError> {
    let network = cidr(values)?.network();
    let (bits, number) = (arguments::int(values, 1)?, arguments::int(values, 2)?);
    let most = network.host_bits();
    let new_bits = u8::try_from(bits)
        .ok()
        .filter(|bits| *bits <= most)
        .ok_or_else(|| {
            CallError::at(
                1,
                format!("the prefix of {network} can grow by 0 to {most} bits, not by {bits}"),
            )
        })?;
    let part = u64::try_from(number)
        .ok()
        .and_then(|number| network.subnet(new_bits, number));
    let part = part.ok_or_else(|| {
        CallError::at(
            2,
            format!("{bits} bits make no part number {number} of {network}"),
        )
    })?;
    Ok(Value::string(part.to_string()))
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::*;

    #[test]
    fn cidrhost_counts_addresses() {
        gives(
            "cidrhost",
            &[
                (&[s("10.0.0.0/24"), i(5)], s("10.0.0.5")),
                (&[s("10.0.0.77/24"), i(-1)], s("10.0.0.255")),
                (&[s("fd00::/64"), i(16)], s("fd00::10")),
            ],
        );
        fails(
            "cidrhost",
            &[
                (
                    &[s("10.0.0.0/24"), i(256)],
                    Some(1),
                    "10.0.0.0/24 has no address number 256",
                ),
                (&[s("10.0.0.0"), i(1)], Some(0), "as in `10.0.0.0/24`"),
                (&[s("10.0.0.0/24"), s("1")], Some(1), "an int"),
            ],
        );
        types(
            "cidrhost",
            &[(&[Type::Text(TextForm::Cidr), Type::Int], "string")],
        );
        types(
            "cidrhost",
            &[(&[Type::String, Type::Float], "argument 2 must be an int")],
        );
    }

    #[test]
    fn cidrsubnet_cuts_networks() {
        gives(
            "cidrsubnet",
            &[
                (&[s("10.0.0.0/16"), i(8), i(2)], s("10.0.2.0/24")),
                (&[s("10.0.5.5/16"), i(0), i(0)], s("10.0.0.0/16")),
                (&[s("fd00::/48"), i(16), i(255)], s("fd00:0:0:ff::/64")),
            ],
        );
        fails(
            "cidrsubnet",
            &[
                (&[s("10.0.0.0/16"), i(8), i(256)], Some(2), "no part number 256"),
                (&[s("10.0.0.0/16"), i(8), i(-1)], Some(2), "no part number -1"),
                (
                    &[s("10.0.0.0/16"), i(17), i(0)],
                    Some(1),
                    "0 to 16 bits, not by 17",
                ),
                (&[s("10.0.0.0/16"), i(-1), i(0)], Some(1), "not by -1"),
                (&[s("x"), i(1), i(0)], Some(0), "not a cidr"),
            ],
        );
        types("cidrsubnet", &[(&[Type::String, Type::Int, Type::Int], "cidr")]);
        types(
            "cidrsubnet",
            &[(&[Type::Int, Type::Int, Type::Int], "argument 1 must be a string")],
        );
    }
}
