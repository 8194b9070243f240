//! [`block!`](crate::block) and [`words!`](crate::words): how a block kind is written down.

/// Defines a block kind: its Rust struct, its schema and its decoding, from one text.
///
/// ```text
/// block! {
///     /// What the block is for.
///     pub struct Runner("runner") {
///         attributes {
///             /// What the attribute is for.
///             tags: BTreeSet<SmolStr>;                          // must be given
///             /// A default, written as in Fly, and a range.
///             concurrent: i64 = "1", range("1", "1000");
///             /// May be left out.
///             version: Option<Version>;
///             /// A bare integer is taken as MiB, with a lint.
///             memory: Size, bare("MiB");
///         }
///         blocks {
///             resources: Resources;                             // once; Option<T> at most once; Vec<T> many
///             app("fastapi_app", alias "app"): Role;            // when the word is not the field's name
///         }
///         labels ["name"]
///         rules [ExactlyOne(&["project_id", "group_id"])]
///         variants by Tag::Attribute("provider") { "aws" => AwsCloud }
///         accepts [presets, for_each]
///     }
/// }
/// ```
/// Every section but `attributes` may be left out; the order is as above. `range` takes two Fly
/// literals, either of which may be `""` for none. Variants become a field `variant: Option<...>`
/// only by the struct's own code: the macro gives every struct `span`, the place of its header,
/// and `label`, its (first) label, empty where it has none.
#[macro_export]
macro_rules! block {
    (
        $(#[doc = $doc:literal])+
        pub struct $struct:ident($kind:literal) {
            attributes {
                $(
                    $(#[doc = $attribute_doc:literal])+
                    $(#[name = $written:literal])?
                    $attribute:ident : $attribute_type:ty $(= $default:literal)?
                    $(, range($min:literal, $max:literal))?
                    $(, bare($bare:literal))? ;
                )*
            }
            $(blocks {
                $( $child:ident $(($child_name:literal $(, alias $alias:literal)?))? : $child_type:ty ; )*
            })?
            $(any_attribute {
                $(#[doc = $rest_doc:literal])+
                $rest:ident : $rest_type:ty
            })?
            $(any_block { $any:ident : $any_type:ty })?
            $(labels [$($label:literal),*])?
            $(rules [$($rule:expr),* $(,)?])?
            $(variants by $tag:expr ; { $($word:literal => $variant_field:ident : $variant:ty),* $(,)? })?
            $(accepts [$($accepts:ident),*])?
        }
    ) => {
        $(#[doc = $doc])+
        #[derive(Debug, Clone, PartialEq)]
        pub struct $struct {
            /// The block's (first) label; empty where the kind has none.
            pub label: smol_str::SmolStr,
            /// Where the block's header is written.
            pub span: fly_syntax::Span,
            $(
                $(#[doc = $attribute_doc])+
                pub $attribute: $attribute_type,
            )*
            $($(
                #[doc = concat!("The `", stringify!($child), "` block.")]
                pub $child: $child_type,
            )*)?
            $(
                $(#[doc = $rest_doc])+
                pub $rest: std::collections::BTreeMap<smol_str::SmolStr, $rest_type>,
            )?
            $(
                #[doc = "The blocks, by their names."]
                pub $any: Vec<$any_type>,
            )?
            $($(
                #[doc = concat!("What the word `", $word, "` adds; present where it was chosen.")]
                pub $variant_field: Option<$variant>,
            )*)?
        }

        impl $crate::schema::Block for $struct {
            fn schema() -> &'static $crate::schema::BlockSchema {
                static SCHEMA: std::sync::LazyLock<$crate::schema::BlockSchema> =
                    std::sync::LazyLock::new(|| {
                        #[allow(unused_mut)]
                        let mut schema = $crate::schema::BlockSchema {
                            kind: $kind,
                            doc: concat!($($doc, "\n"),+),
                            labels: &[],
                            attributes: vec![$(
                                $crate::schema::build::attribute::<$attribute_type>(
                                    $crate::block!(@name $attribute $($written)?),
                                    concat!($($attribute_doc, "\n"),+),
                                    $crate::block!(@option $($default)?),
                                    $crate::block!(@pair $($min, $max)?),
                                    $crate::block!(@option $($bare)?),
                                ),
                            )*],
                            blocks: vec![$($(
                                $crate::schema::build::child::<$child_type>(
                                    $crate::block!(@name $child $($child_name)?),
                                    $crate::block!(@option $($($alias)?)?),
                                ),
                            )*)?],
                            rest: $crate::schema::Rest::None,
                            rules: &[],
                            variants: None,
                            uses_presets: false,
                            repeats: false,
                        };
                        $(schema.labels = &[$($label),*];)?
                        $(schema.rules = &[$($rule),*];)?
                        $(schema.rest = $crate::schema::build::any_attribute::<$rest_type>(
                            concat!($($rest_doc, "\n"),+)
                        );)?
                        $(schema.rest = $crate::schema::Rest::Blocks(
                            <$any_type as $crate::schema::Block>::schema
                        );)?
                        $(schema.variants = Some($crate::schema::Variants {
                            by: $tag,
                            of: &[$(($word, <$variant as $crate::schema::Block>::schema)),*],
                        });)?
                        $($($crate::block!(@accepts schema $accepts);)*)?
                        schema
                    });
                &SCHEMA
            }

            fn decode(block: &$crate::checked::CheckedBlock) -> Option<Self> {
                #[allow(unused_variables)]
                let schema = Self::schema();
                Some(Self {
                    label: block.label(),
                    span: block.header,
                    $(
                        $attribute: $crate::schema::Field::read_field(
                            block.value_or_default($crate::block!(@name $attribute $($written)?), schema)
                        )?,
                    )*
                    $($(
                        $child: $crate::schema::Choice::decode_all(
                            &block.blocks_named($crate::block!(@name $child $($child_name)?))
                        )?,
                    )*)?
                    $($rest: block.decode_rest::<$rest_type>()?,)?
                    $($any: block.decode_any::<$any_type>()?,)?
                    $($($variant_field: block.decode_variant::<$variant>(schema, $word)?,)*)?
                })
            }
        }
    };
    (@name $field:ident) => { stringify!($field) };
    (@name $field:ident $name:literal) => { $name };
    (@option) => { None };
    (@option $value:literal) => { Some($value) };
    (@pair) => { None };
    (@pair $min:literal, $max:literal) => { Some(($min, $max)) };
    (@accepts $schema:ident presets) => { $schema.uses_presets = true; };
    (@accepts $schema:ident for_each) => { $schema.repeats = true; };
}

/// Defines an enum: its Rust type and its words, from one text.
///
/// ```text
/// words! {
///     /// The kind of machine a runner lives in.
///     pub enum MachineType("machine type") {
///         /// A virtual machine.
///         Vm = "vm",
///     }
/// }
/// ```
#[macro_export]
macro_rules! words {
    (
        $(#[doc = $doc:literal])+
        pub enum $enum:ident($what:literal) {
            $( $(#[doc = $word_doc:literal])+ $variant:ident = $word:literal, )+
        }
    ) => {
        $(#[doc = $doc])+
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $enum {
            $( $(#[doc = $word_doc])+ $variant, )+
        }

        impl $enum {
            /// The words, for checking and for people.
            pub const WORDS: &'static $crate::types::Words = &$crate::types::Words {
                what: $what,
                words: &[$(($word, concat!($($word_doc, "\n"),+))),+],
            };

            /// The word as it is written in Fly.
            #[must_use]
            pub fn word(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }
        }

        impl $crate::schema::Typed for $enum {
            fn ty() -> $crate::types::Type {
                $crate::types::Type::Words(Self::WORDS)
            }
            fn read(value: &$crate::value::Value) -> Option<Self> {
                match value.as_str()? {
                    $($word => Some(Self::$variant),)+
                    _ => None,
                }
            }
        }
    };
}
