//! The one place where nom is used: fields that know their name, read in order.
//!
//! nom reports only the input that was left; a name and an offset are what a
//! person needs. [`Reader`] keeps both and turns nom's outcome into our errors,
//! so that no nom type reaches a caller.

use nom::bytes::complete::take;
use nom::combinator::{map_opt, verify};
use nom::error::{ErrorKind, ParseError};
use nom::number::complete::{
    be_i8, be_i16, be_i24, be_i32, be_u8, be_u16, be_u24, be_u32, le_i16, le_i32, le_u8, le_u16, le_u32,
};
use nom::{IResult, Parser};

use crate::error::Truncation;
use crate::field::Field;

/// A short read, before its offset is known.
pub(crate) struct Short<'a> {
    field: Field,
    need: usize,
    rest: &'a [u8],
}

impl<'a> ParseError<&'a [u8]> for Short<'a> {
    /// Only reached by a nom parser used without [`labelled`], of which there is none.
    fn from_error_kind(rest: &'a [u8], _: ErrorKind) -> Self {
        Self { field: Field::Payload, need: 1, rest }
    }

    fn append(_: &'a [u8], _: ErrorKind, first: Self) -> Self {
        first
    }
}

/// Gives a nom parser the field it reads and that field's smallest size.
fn labelled<'a, T>(
    field: Field,
    need: usize,
    mut parser: impl Parser<&'a [u8], Output = T, Error = ()>,
) -> impl FnMut(&'a [u8]) -> IResult<&'a [u8], T, Short<'a>> {
    move |rest| parser.parse(rest).map_err(|_| nom::Err::Error(Short { field, need, rest }))
}

/// One byte.
pub(crate) fn byte<'a>(field: Field) -> impl Parser<&'a [u8], Output = u8, Error = Short<'a>> {
    labelled(field, 1, le_u8)
}

/// Two bytes, little-endian.
pub(crate) fn u16_le<'a>(field: Field) -> impl Parser<&'a [u8], Output = u16, Error = Short<'a>> {
    labelled(field, 2, le_u16)
}

/// Two bytes, signed, little-endian.
pub(crate) fn i16_le<'a>(field: Field) -> impl Parser<&'a [u8], Output = i16, Error = Short<'a>> {
    labelled(field, 2, le_i16)
}

/// Four bytes, little-endian.
pub(crate) fn u32_le<'a>(field: Field) -> impl Parser<&'a [u8], Output = u32, Error = Short<'a>> {
    labelled(field, 4, le_u32)
}

/// Two signed 32-bit numbers, little-endian.
pub(crate) fn i32_pair_le<'a>(field: Field) -> impl Parser<&'a [u8], Output = (i32, i32), Error = Short<'a>> {
    labelled(field, 8, (le_i32, le_i32))
}

/// A number of 1 to 4 bytes, big-endian. Other widths read nothing.
pub(crate) fn int_be<'a>(
    field: Field,
    width: usize,
    is_signed: bool,
) -> impl Parser<&'a [u8], Output = i64, Error = Short<'a>> {
    labelled(field, width, move |rest| match (width, is_signed) {
        (1, false) => be_u8.map(i64::from).parse(rest),
        (2, false) => be_u16.map(i64::from).parse(rest),
        (3, false) => be_u24.map(i64::from).parse(rest),
        (4, false) => be_u32.map(i64::from).parse(rest),
        (1, true) => be_i8.map(i64::from).parse(rest),
        (2, true) => be_i16.map(i64::from).parse(rest),
        (3, true) => be_i24.map(i64::from).parse(rest),
        (4, true) => be_i32.map(i64::from).parse(rest),
        _ => Err(nom::Err::Error(())),
    })
}

/// `N` bytes as an array.
pub(crate) fn array<'a, const N: usize>(
    field: Field,
) -> impl Parser<&'a [u8], Output = &'a [u8; N], Error = Short<'a>> {
    labelled(field, N, map_opt(take(N), <[u8]>::first_chunk::<N>))
}

/// `len` bytes.
pub(crate) fn bytes<'a>(
    field: Field,
    len: usize,
) -> impl Parser<&'a [u8], Output = &'a [u8], Error = Short<'a>> {
    labelled(field, len, take(len))
}

/// All that is left, which must be at least `min` bytes.
pub(crate) fn at_least<'a>(
    field: Field,
    min: usize,
) -> impl Parser<&'a [u8], Output = &'a [u8], Error = Short<'a>> {
    labelled(field, min, verify(nom::combinator::rest, move |left: &[u8]| left.len() >= min))
}

/// A C string in a buffer: up to the first NUL or the end.
pub(crate) fn until_nul(bytes: &[u8]) -> &[u8] {
    bytes.split(|&byte| byte == 0).next().unwrap_or_default()
}

/// Reads fields one after the other and knows where it is.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a> {
    whole: &'a [u8],
    rest: &'a [u8],
    base: usize,
}

impl<'a> Reader<'a> {
    /// At the start of `whole`.
    pub(crate) const fn new(whole: &'a [u8]) -> Self {
        Self::behind(0, whole)
    }

    /// At the start of `whole`, which `base` bytes precede that were read elsewhere.
    pub(crate) const fn behind(base: usize, whole: &'a [u8]) -> Self {
        Self { whole, rest: whole, base }
    }

    /// Reads one field, or a tuple of them.
    pub(crate) fn read<P>(&mut self, mut parser: P) -> Result<P::Output, Truncation>
    where
        P: Parser<&'a [u8], Error = Short<'a>>,
    {
        match parser.parse(self.rest) {
            Ok((rest, output)) => {
                self.rest = rest;
                Ok(output)
            }
            Err(nom::Err::Error(short) | nom::Err::Failure(short)) => Err(self.locate(&short)),
            // complete-input parsers never ask for more
            Err(nom::Err::Incomplete(_)) => {
                Err(self.locate(&Short { field: Field::Payload, need: 1, rest: &[] }))
            }
        }
    }

    /// Bytes read so far.
    pub(crate) const fn offset(&self) -> usize {
        self.base + self.whole.len() - self.rest.len()
    }

    /// What was not read yet.
    pub(crate) const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    fn locate(&self, short: &Short<'_>) -> Truncation {
        Truncation {
            field: short.field,
            offset: self.base + self.whole.len() - short.rest.len(),
            need: short.need,
            have: short.rest.len(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_read_inside_a_tuple_names_its_own_field_and_offset() {
        let mut reader = Reader::new(&[1, 2, 3]);
        let parsed = reader.read((byte(Field::Flags), u32_le(Field::Tag)));
        assert_eq!(parsed, Err(Truncation { field: Field::Tag, offset: 1, need: 4, have: 2 }));
    }

    #[test]
    fn a_reader_continues_where_it_stopped() {
        let mut reader = Reader::new(&[1, 2, 3, 4]);
        assert_eq!(reader.read(u16_le(Field::Tag)), Ok(0x0201));
        assert_eq!(reader.offset(), 2);
        assert_eq!(reader.read(at_least(Field::Payload, 1)), Ok(&[3, 4][..]));
        assert_eq!(reader.rest(), &[] as &[u8]);
    }

    #[test]
    fn what_precedes_counts_in_the_offset() {
        let mut reader = Reader::behind(4, &[1, 2]);
        assert_eq!(reader.read(byte(Field::Body)), Ok(1));
        assert_eq!(reader.offset(), 5);
        let err = reader.read(i16_le(Field::Body));
        assert_eq!(err, Err(Truncation { field: Field::Body, offset: 5, need: 2, have: 1 }));
    }

    #[test]
    fn numbers_of_any_width_keep_their_sign() {
        let read = |bytes, width, is_signed| Reader::new(bytes).read(int_be(Field::Record, width, is_signed));
        for width in 1..=4 {
            assert_eq!(read(&[0xff; 4], width, true), Ok(-1));
            assert_eq!(read(&[0xff; 4], width, false), Ok((1 << (8 * width)) - 1));
        }
        let short = Truncation { field: Field::Record, offset: 0, need: 3, have: 2 };
        assert_eq!(read(&[0; 2], 3, true), Err(short));
    }
}
