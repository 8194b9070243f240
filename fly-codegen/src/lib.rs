//! A typed Nest in, the resources that it asks for out.
