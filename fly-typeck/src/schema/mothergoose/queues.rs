//! The server's message queues.

use smol_str::SmolStr;

use crate::block;
use crate::schema::QueueName;
use fly_domain::Duration;

block! {
    /// The server's message queues: Yandex Message Queue or Amazon SQS. Each block is one, under a name of your choice.
    pub struct MessageQueues("message_queues") {
        attributes {}
        any_block { queues: Queue }
    }
}

block! {
    /// One message queue.
    pub struct Queue("queue") {
        attributes {
            /// Its name in the cloud.
            name: SmolStr;
            /// Whether messages keep their order and are delivered once. Slower, and seldom needed.
            fifo: bool = "false";
            /// How long a message stays hidden after it was taken, before another worker gets it. At least the `timeout`
            /// of the role that reads it. A bare integer is taken as seconds.
            visibility_timeout: Duration = "30s", range("0s", "12h"), bare("s");
            /// How long an unread message is kept. A bare integer is taken as seconds.
            message_retention: Duration = "4d", range("1m", "14d"), bare("s");
            /// How often a message is delivered before it counts as undeliverable.
            max_receives: i64 = "5", range("1", "1000");
            /// Where undeliverable messages go: another queue of this block, as in `message_queues.failed`. Without it
            /// they are tried until `message_retention` ends.
            dead_letter_queue: Option<QueueName>;
        }
    }
}
