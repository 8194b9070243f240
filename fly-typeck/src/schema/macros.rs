//! [`block!`](crate::block) and [`words!`](crate::words): how a block kind is written down.

/// Defines a block kind: its Rust struct, its schema and its decoding, from one text.
///
/// ```text
/// block! {
///     /// What the block is for.
///     pub struct Runner("runner") {
///         extends { pool: Pool }                                // all that `Pool` has, decoded into that field
///         attributes {
///             /// What the attribute is for.
///             tags: BTreeSet<SmolStr>;                          // must be given
///             /// A default, written as in Fly, and a range.
///             concurrent: i64 = "1", range("1", "1000");
///             /// May be left out.
///             version: Option<Version>;
///             /// A bare integer is taken as MiB, with a lint.
///             memory: Size, bare("MiB");
///             /// When the word is not the field's name.
///             kind as "type": MachineType;
///         }
///         blocks {
///             resources: Resources;                             // once; Option<T> at most once; Vec<T> many
///             /// What it is for here, where the kind's own words do not say it.
///             app as "fastapi_app": Role, alias("app");
///         }
///         any_attribute {
///             /// What such an attribute is.
///             variables: PlainOrSecret
///         }
///         any_block { queues: Queue }
///         labels ["name"]
///         rules [Rule::ExactlyOne(&["project_id", "group_id"])]
///         variants by provider { "aws" => aws: AwsCloud }       // by an attribute, or `by label`
///         defaults [AwsCloud]                                   // its attributes may be given here for others
///         accepts [presets, for_each]
///     }
/// }
/// ```
/// Every section but `attributes` may be left out; the order is as above. Each option of an attribute or block
/// sets the part of its schema with that name: `range(min, max)` with Fly literals, either of which may be `""`,
/// `bare(unit)`, `prose`, `only(provider)`, `alias(word)`. Every struct also gets `label`, the block's labels
/// joined by `.`, and `span`, the place of its header.
#[macro_export]
macro_rules! block {
    (
        $(#[doc = $doc:literal])+
        pub struct $struct:ident($kind:literal) {
            $(extends { $base:ident : $base_type:ty })?
            attributes {
                $(
                    $(#[doc = $attribute_doc:literal])+
                    $attribute:ident $(as $written:literal)? : $attribute_type:ty $(= $default:literal)?
                    $(, $option:ident $(($($argument:literal),*))?)* ;
                )*
            }
            $(blocks {
                $(
                    $(#[doc = $child_doc:literal])*
                    $child:ident $(as $child_written:literal)? : $child_type:ty
                    $(, $child_option:ident $(($($child_argument:literal),*))?)* ;
                )*
            })?
            $(any_attribute {
                $(#[doc = $rest_doc:literal])+
                $rest:ident : $rest_type:ty
            })?
            $(any_block { $any:ident : $any_type:ty })?
            $(labels [$($label:literal),*])?
            $(rules [$($rule:expr),* $(,)?])?
            $(variants by $tag:ident { $($word:literal => $variant_field:ident : $variant:ty),* $(,)? })?
            $(defaults [$($defaults:ty),*])?
            $(accepts [$($accepts:ident),*])?
        }
    ) => {
        $(#[doc = $doc])+
        #[derive(Debug, Clone, PartialEq)]
        pub struct $struct {
            /// The block's labels, joined by `.`; empty where it has none.
            pub label: smol_str::SmolStr,
            /// Where the block's header is written.
            pub span: fly_syntax::Span,
            $(
                #[doc = concat!("What every [`", stringify!($base_type), "`] has.")]
                pub $base: $base_type,
            )?
            $(
                $(#[doc = $attribute_doc])+
                pub $attribute: $attribute_type,
            )*
            $($(
                $(#[doc = $child_doc])*
                #[doc = concat!("\n\nThe `", $crate::block!(@name $child $($child_written)?), "` block.")]
                pub $child: $child_type,
            )*)?
            $(
                $(#[doc = $rest_doc])+
                pub $rest: std::collections::BTreeMap<smol_str::SmolStr, $rest_type>,
            )?
            $(
                /// The blocks, by their names.
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
                        let mut schema = $crate::schema::build::block($kind, concat!($($doc, "\n"),+));
                        $(schema.extend(<$base_type as $crate::schema::Block>::schema());)?
                        $({
                            #[allow(unused_mut)]
                            let mut attribute = $crate::schema::build::attribute::<$attribute_type>(
                                $crate::block!(@name $attribute $($written)?),
                                concat!($($attribute_doc, "\n"),+),
                                $crate::block!(@option $($default)?),
                            );
                            $($crate::block!(@set attribute $option $(($($argument),*))?);)*
                            schema.attributes.push(attribute);
                        })*
                        $($({
                            #[allow(unused_mut)]
                            let mut child = $crate::schema::build::child::<$child_type>(
                                $crate::block!(@name $child $($child_written)?),
                                concat!($($child_doc, "\n"),*),
                            );
                            $($crate::block!(@set child $child_option $(($($child_argument),*))?);)*
                            schema.blocks.push(child);
                        })*)?
                        $(schema.rest = $crate::schema::build::any_attribute::<$rest_type>(
                            concat!($($rest_doc, "\n"),+)
                        );)?
                        $(schema.rest = $crate::schema::Rest::Blocks(
                            <$any_type as $crate::schema::Block>::schema
                        );)?
                        $(schema.labels = &[$($label),*];)?
                        $(schema.rules = &[$($rule),*];)?
                        $(schema.variants = Some($crate::schema::Variants {
                            by: $crate::block!(@tag $tag),
                            of: &[$(($word, <$variant as $crate::schema::Block>::schema)),*],
                        });)?
                        $($(schema.add_defaults(<$defaults as $crate::schema::Block>::schema());)*)?
                        $($($crate::block!(@accepts schema $accepts);)*)?
                        schema
                    });
                &SCHEMA
            }

            fn decode(block: &$crate::checked::CheckedBlock) -> Option<Self> {
                #[allow(unused_variables)]
                let schema = Self::schema();
                Some(Self {
                    label: block.address(),
                    span: block.header,
                    $($base: <$base_type as $crate::schema::Block>::decode(block)?,)?
                    $(
                        $attribute: $crate::schema::Field::read_field(
                            block.value_or_default($crate::block!(@name $attribute $($written)?), schema)
                        )?,
                    )*
                    $($(
                        $child: $crate::schema::Choice::decode_all(
                            &block.blocks_named($crate::block!(@name $child $($child_written)?))
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
    (@set $part:ident range($min:literal, $max:literal)) => { $part.set_range($min, $max) };
    (@set $part:ident bare($unit:literal)) => { $part.bare = Some($unit) };
    (@set $part:ident prose) => { $part.prose = true };
    (@set $part:ident only($provider:literal)) => { $part.only = Some($provider) };
    (@set $part:ident alias($word:literal)) => { $part.alias = Some($word) };
    (@tag label) => { $crate::schema::Tag::Label };
    (@tag $attribute:ident) => { $crate::schema::Tag::Attribute(stringify!($attribute)) };
    (@accepts $schema:ident presets) => { $schema.uses_presets = true };
    (@accepts $schema:ident for_each) => { $schema.repeats = true };
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
            pub const WORDS: &'static $crate::types::Words = {
                static WORDS: $crate::types::Words = $crate::types::Words {
                    what: $what,
                    words: &[$(($word, concat!($($word_doc, "\n"),+))),+],
                };
                &WORDS
            };

            /// The word as it is written in Fly.
            #[must_use]
            pub fn word(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }

            /// What a word of Fly stands for.
            #[must_use]
            pub fn from_word(word: &str) -> Option<Self> {
                match word {
                    $($word => Some(Self::$variant),)+
                    _ => None,
                }
            }
        }

        impl $crate::schema::Typed for $enum {
            fn ty() -> $crate::types::Type {
                $crate::types::Type::Words(Self::WORDS)
            }
            fn read(value: &$crate::value::Value) -> Option<Self> {
                Self::from_word(value.as_str()?)
            }
        }
    };
}
