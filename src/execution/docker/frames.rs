//! The engine's stream of a program's output: frames of a kind, a length and bytes, cut anywhere.

/// Takes the frames apart.
#[derive(Debug, Default)]
pub struct Frames {
    head: Vec<u8>,
    left: usize,
}

/// Bytes before the content of a frame: kind, three zeros, length.
const HEAD: usize = 8;

impl Frames {
    /// Takes bytes as they came; gives the content to `take`, standard output and error alike and in order.
    pub fn push(&mut self, mut bytes: &[u8], mut take: impl FnMut(&[u8])) {
        while !bytes.is_empty() {
            if self.left == 0 {
                let wanted = (HEAD - self.head.len()).min(bytes.len());
                self.head.extend_from_slice(&bytes[..wanted]);
                bytes = &bytes[wanted..];
                if let [_, _, _, _, a, b, c, d] = self.head[..] {
                    self.left = u32::from_be_bytes([a, b, c, d]) as usize;
                    self.head.clear();
                }
                continue;
            }
            let here = self.left.min(bytes.len());
            take(&bytes[..here]);
            self.left -= here;
            bytes = &bytes[here..];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_cuts_do_not_show(
            contents in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..20), 0..10), size in 1usize..30
        ) {
            let mut stream = Vec::new();
            for (n, content) in contents.iter().enumerate() {
                stream.extend([1 + n as u8 % 2, 0, 0, 0]);
                stream.extend((content.len() as u32).to_be_bytes());
                stream.extend(content);
            }
            let (mut frames, mut taken) = (Frames::default(), Vec::new());
            for piece in stream.chunks(size) {
                frames.push(piece, |bytes| taken.extend_from_slice(bytes));
            }
            prop_assert_eq!(taken, contents.concat());
        }

        #[test]
        fn any_bytes_are_taken_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            Frames::default().push(&bytes, |_| {});
        }
    }
}
