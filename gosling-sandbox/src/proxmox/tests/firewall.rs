//! Firewall rules: their order, their digests, and what makes no rule.

#![allow(clippy::unwrap_used, clippy::panic)]

use serde_json::{Value, json};

use super::Lab;

const RULES: &str = "/nodes/pve1/qemu/9000/firewall/rules";
const SSH: &str = "type=in&action=ACCEPT&enable=1&proto=tcp&dport=22&source=10.0.0.0/8&comment=ssh";

#[test]
fn f4_a_rule_by_its_position_says_it_in_words_and_has_a_digest() {
    let mut lab = Lab::new(|_| {});
    lab.data("POST", RULES, SSH);
    let one = lab.data("GET", &format!("{RULES}/0"), "");
    let list = lab.data("GET", RULES, "");
    assert_eq!((&one["pos"], &list[0]["pos"]), (&json!("0"), &json!(0)));
    assert_eq!(
        (&one["enable"], &one["ipversion"], &one["source"]),
        (&json!(1), &json!(4), &json!("10.0.0.0/8"))
    );
    assert_eq!(one["digest"], list[0]["digest"]);
    let digest = one["digest"].as_str().unwrap().to_owned();
    lab.data("POST", RULES, "type=out&action=DROP");
    for (method, path) in [("PUT", format!("{RULES}/0")), ("DELETE", format!("{RULES}/0"))] {
        let call = if method == "DELETE" {
            format!("{path}?digest={digest}")
        } else {
            path
        };
        let (status, words) = lab.fails(method, &call, &format!("comment=a&digest={digest}"));
        assert!(
            status == 500 && words.starts_with("detected modified configuration"),
            "{words}"
        );
    }
    let options = "/nodes/pve1/qemu/9000/firewall/options";
    let digest = lab.data("GET", options, "")["digest"]
        .as_str()
        .unwrap()
        .to_owned();
    lab.data("PUT", options, &format!("enable=1&digest={digest}"));
    assert_eq!(
        lab.fails("PUT", options, &format!("enable=0&digest={digest}")).0,
        500
    );
}

#[test]
fn f4b_a_new_rule_is_the_first_and_an_empty_value_is_none() {
    let mut lab = Lab::new(|_| {});
    lab.data("POST", RULES, SSH);
    lab.data("POST", RULES, "type=in&action=ACCEPT&macro=hTTp&pos=1&comment=");
    let list = lab.data("GET", RULES, "");
    assert_eq!(
        (&list[0]["macro"], &list[0]["enable"], &list[0]["comment"]),
        (&json!("HTTP"), &json!(0), &Value::Null)
    );
    lab.data("PUT", &format!("{RULES}/1"), "source=&comment=-");
    let rule = lab.data("GET", &format!("{RULES}/1"), "");
    assert_eq!((&rule["source"], &rule["comment"]), (&Value::Null, &Value::Null));
    lab.data("PUT", &format!("{RULES}/0"), "moveto=2");
    assert_eq!(lab.data("GET", &format!("{RULES}/1"), "")["macro"], "HTTP");
}

#[test]
fn f4b_what_makes_no_rule_is_refused_with_the_name_of_what_is_wrong() {
    let mut lab = Lab::new(|_| {});
    lab.data("POST", RULES, SSH);
    for (form, name) in [
        ("type=in&action=ACCEPT&dport=22", "proto"),
        ("type=in&action=ACCEPT&proto=gre&dport=22", "dport"),
        ("type=in&action=ACCEPT&macro=Nothing", "macro"),
        ("type=in&action=ALLOW", "action"),
        ("type=in&action=ACCEPT&proto=tpc", "proto"),
        ("type=in&action=ACCEPT&source=office", "source"),
        ("type=in&action=ACCEPT&dest=%2Bblocked", "dest"),
        ("type=in&action=ACCEPT&iface=eth0", "iface"),
        ("type=forward&action=ACCEPT", "type"),
        ("type=in&action=ACCEPT&source=10.0.0.1/8", "source"),
        ("type=in&action=ACCEPT&source=10.0.0.300", "source"),
        ("type=in&action=ACCEPT&proto=tcp&dport=70000", "dport"),
        ("type=in&action=ACCEPT&source=10.0.0.1&dest=fd00::1", "dest"),
        ("type=in&action=ACCEPT&icmp-type=any", "icmp-type"),
    ] {
        let reply = lab.form("POST", RULES, form);
        assert_eq!(reply.status, 400, "{form}");
        let body: Value = serde_json::from_slice(&reply.body).unwrap();
        assert!(body["errors"][name].is_string(), "{form}: {body}");
    }
    for form in ["action=ALLOW", "proto=gre", "delete=proto", "type=forward"] {
        assert_eq!(lab.form("PUT", &format!("{RULES}/0"), form).status, 400, "{form}");
    }
    let rules = lab.data("GET", RULES, "");
    assert_eq!(
        (rules.as_array().unwrap().len(), &rules[0]["comment"]),
        (1, &json!("ssh"))
    );
}
