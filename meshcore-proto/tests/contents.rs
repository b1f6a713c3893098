//! Laws of the decrypted contents that hold for any input.

#![cfg(all(feature = "std", feature = "crypto"))]

use meshcore_proto::content::{
    AccessEntry, AccessList, AnonAnswer, AnonQuestion, AnonQuestionKind, AnonRequest, GroupData, GroupText,
    LegacySensorTelemetry, LoginOk, LppReader, LppStop, LppType, LppWriter, MAX_ANON_PLAINTEXT,
    MAX_PEER_PLAINTEXT, Neighbour, NeighbourOrder, Neighbours, OwnerInfo, PathReturn, RepeaterStatus,
    Request, RequestBody, RequestKind, Response, RoomLogin, RoomStatus, Series, Status, TelemetryPermissions,
    TextMessage,
};
use meshcore_proto::{EncodeError, PathLen, PayloadType, PublicKey, SnrQuarterDb};
use proptest::collection::vec;
use proptest::prelude::*;

/// Most bytes that decryption can give.
const MAX_PLAINTEXT: usize = 176;

const KEY: PublicKey = PublicKey::from_bytes([7; 32]);

/// Plaintext between 0 and 176 bytes, often with the small numbers and zeros
/// that types, lengths and padding are made of.
fn plaintext() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![any::<u8>(), 0_u8..12, Just(0)];
    let telemetry = vec((0_u8..4, lpp_type(), vec(any::<u8>(), 0..12)), 0..12).prop_map(|records| {
        records
            .into_iter()
            .flat_map(|(channel, kind, value)| [vec![channel, kind.get()], value].concat())
            .collect()
    });
    prop_oneof![vec(byte, 0..=MAX_PLAINTEXT), vec(any::<u8>(), 0..=MAX_PLAINTEXT), telemetry]
}

fn lpp_type() -> impl Strategy<Value = LppType> {
    proptest::sample::select(&LppType::ALL[..])
}

fn path() -> impl Strategy<Value = (PathLen, Vec<u8>)> {
    (1_u8..=3, 0_u8..=21)
        .prop_map(|(size, count)| PathLen::new(size, count).unwrap())
        .prop_flat_map(|path_len| (Just(path_len), vec(any::<u8>(), path_len.byte_len())))
}

/// Text of a message: no NUL, which would end it.
fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[^\0]{0,40}", "[a-z]{155,165}", "é{75,82}"]
}

/// What a receiver gets: the plaintext in whole cipher blocks.
fn padded(encode: impl FnOnce(&mut [u8]) -> Result<usize, EncodeError>) -> Vec<u8> {
    let mut out = vec![0; MAX_PLAINTEXT];
    let len = encode(&mut out).unwrap();
    assert!(out[len..].iter().all(|byte| *byte == 0), "writes no more than it says");
    out.truncate(len.next_multiple_of(16));
    out
}

/// Writes to a buffer of exactly the right size, and finds one less too small.
fn exactly(len: usize, encode: impl Fn(&mut [u8]) -> Result<usize, EncodeError>) -> Vec<u8> {
    let mut out = vec![0; len];
    assert_eq!(encode(&mut out), Ok(len));
    if let Some((_, less)) = out.clone().split_first_mut() {
        assert_eq!(encode(less).unwrap_err().kind(), "BufferTooSmall");
    }
    out
}

/// Looks at everything an answer can be.
fn touch_body(body: &[u8]) {
    let mut out = [0; 256];
    if let Ok(login) = LoginOk::parse(body) {
        let _ = (login.is_ok(), login.keep_alive_secs(), login.role(), login.encode_into(&mut out).unwrap());
    }
    let _ = Status::parse(body);
    let _ = RepeaterStatus::parse(body).map(|status| status.encode_into(&mut out).unwrap());
    let _ = RoomStatus::parse(body).map(|status| status.encode_into(&mut out).unwrap());
    for prefix_len in [0, 1, 6, 32, 255] {
        if let Ok(neighbours) = Neighbours::parse(body, prefix_len) {
            assert_eq!(neighbours.entries().count(), neighbours.len());
        }
    }
    assert!(AccessList::new(body).entries().count() <= body.len() / 7);
    if let Ok(series) = Series::parse(body) {
        let mut items = series.items();
        let stop = items.stop();
        items.by_ref().for_each(|item| assert!(item.divisor() > 0));
        assert_eq!(items.stop(), stop);
    }
    let owner = OwnerInfo::new(body);
    let _ = (owner.text(), owner.firmware_version(), owner.node_name(), owner.owner_info());
    if let Ok(answer) = AnonAnswer::parse(body) {
        let _ = (answer.regions().count(), answer.node_name(), answer.owner_info());
        let _ = answer.features().map(|features| (features.bridge(), features.forwards()));
    }
    let mut telemetry = LppReader::new(body);
    let stop = telemetry.stop();
    for item in telemetry.by_ref() {
        assert_eq!(item.values().count(), item.len());
        assert_eq!(item.raw(item.len()), None);
        assert_eq!(item.raw(usize::MAX), None);
    }
    assert_eq!(telemetry.stop(), stop);
}

proptest! {
    #[test]
    fn no_plaintext_panics(plaintext in plaintext()) {
        let mut out = [0; 256];
        if let Ok(message) = TextMessage::parse(&plaintext) {
            let _ = (message.text(), message.is_plausible(), message.ack_checksum(&KEY, &KEY));
            let len = message.encode_into(&mut out).unwrap();
            prop_assert!(plaintext.starts_with(&out[..len]));
        }
        if let Ok(request) = Request::parse(&plaintext) {
            let body = request.body();
            prop_assert_eq!(body.kind(), request.kind());
            prop_assert_eq!(request.kind().get(), request.request_type());
            let is_keep_alive = request.kind() == RequestKind::KeepAlive;
            prop_assert_eq!(request.ack_checksum(&KEY).is_some(), is_keep_alive);
            let _ = body.encode_plaintext(request.timestamp(), [0; 4], &mut out);
            let len = request.encode_into(&mut out).unwrap();
            prop_assert_eq!(&out[..len], &plaintext[..]);
        }
        if let Ok(response) = Response::parse(&plaintext) {
            touch_body(response.body());
        }
        if let Ok(request) = AnonRequest::parse(&plaintext) {
            let _ = (request.login_password(), request.room_login());
            prop_assert!(request.question().is_none() || request.login_password().is_none());
        }
        if let Ok(path) = PathReturn::parse(&plaintext) {
            prop_assert_eq!(path.hops().len(), usize::from(path.path_len().count()));
            let _ = (path.ack(), path.response().map(|response| touch_body(response.body())));
            let len = path.encode_into(&mut out).unwrap();
            prop_assert_eq!(&out[..len], &plaintext[..]);
        }
        let _ = (GroupText::parse(&plaintext), GroupData::parse(&plaintext).map(|data| data.kind().name()));
        let _ = LegacySensorTelemetry::parse(&plaintext);
        touch_body(&plaintext);
    }

    #[test]
    fn a_text_reads_back(timestamp: u32, attempt: u8, author: [u8; 4], text in text()) {
        let messages = [
            TextMessage::plain(timestamp, attempt, &text),
            TextMessage::cli(timestamp, &text),
            TextMessage::signed(timestamp, attempt, &author, &text),
        ];
        for message in messages {
            let Ok(message) = message else {
                prop_assert!(text.len() > 158 || attempt > 3);
                continue;
            };
            let encoded = exactly(message.encoded_len(), |out| message.encode_into(out));
            prop_assert!(encoded.len() <= MAX_PEER_PLAINTEXT);
            let received = padded(|out| message.encode_into(out));
            let read = TextMessage::parse(&received).unwrap();
            prop_assert_eq!(read, message);
            prop_assert_eq!(read.text(), Some(&*text));
            prop_assert_eq!(read.ack_checksum(&KEY, &KEY), message.ack_checksum(&KEY, &KEY));
        }
    }

    #[test]
    fn a_request_reads_back(
        timestamp: u32,
        random: [u8; 4],
        (number, offset, order, prefix_len) in any::<(u32, u16, u8, u8)>(),
        request_type in 8_u8..,
        params in vec(any::<u8>(), 0..=162),
    ) {
        let requests = [
            RequestBody::GetStatus,
            RequestBody::KeepAlive { since: number },
            RequestBody::GetTelemetry { allowed: TelemetryPermissions::from_bits(order) },
            RequestBody::GetAvgMinMax { start_secs_ago: number, end_secs_ago: !number },
            RequestBody::GetAccessList,
            RequestBody::GetNeighbours {
                count: prefix_len,
                offset,
                order: NeighbourOrder::from_byte(order),
                prefix_len,
            },
            RequestBody::GetOwnerInfo,
        ];
        for body in requests {
            let received = padded(|out| body.encode_plaintext(timestamp, random, out));
            let request = Request::parse(&received).unwrap();
            prop_assert_eq!((request.timestamp(), request.body()), (timestamp, body));
        }
        let request = Request::new(timestamp, request_type, &params).unwrap();
        let encoded = exactly(request.encoded_len(), |out| request.encode_into(out));
        prop_assert_eq!(Request::parse(&encoded), Ok(request));
        prop_assert_eq!(request.body(), RequestBody::Other { request_type, params: &params });
    }

    #[test]
    fn a_response_reads_back(tag: u32, body in vec(any::<u8>(), 0..=163)) {
        let response = Response::new(tag, &body).unwrap();
        let encoded = exactly(response.encoded_len(), |out| response.encode_into(out));
        prop_assert_eq!(Response::parse(&encoded), Ok(response));
    }

    #[test]
    fn an_anonymous_request_reads_back(
        (timestamp, sync_since) in any::<(u32, u32)>(),
        password in "[ -~\u{80}-\u{ffff}][^\0]{0,20}",
        (path_len, path) in path(),
        kind in proptest::sample::select(&[
            AnonQuestionKind::Regions,
            AnonQuestionKind::Owner,
            AnonQuestionKind::Clock,
        ][..]),
    ) {
        let sent = &password.as_bytes()[..password.len().min(15)];
        let received = padded(|out| AnonRequest::login(timestamp, &password)?.encode_into(out));
        prop_assert_eq!(AnonRequest::parse(&received).unwrap().login_password(), Some(sent));

        let login = RoomLogin::new(sync_since, &password);
        let received = padded(|out| login.encode_plaintext(timestamp, out));
        prop_assert_eq!(AnonRequest::parse(&received).unwrap().room_login(), Some(login));
        prop_assert_eq!(login.password(), sent);

        let question = AnonQuestion::new(kind, path_len, &path).unwrap();
        let received = padded(|out| question.encode_plaintext(timestamp, out));
        prop_assert!(received.len() <= MAX_ANON_PLAINTEXT);
        let request = AnonRequest::parse(&received).unwrap();
        prop_assert_eq!((request.timestamp(), request.question()), (timestamp, Some(question)));
    }

    #[test]
    fn a_returned_path_reads_back((path_len, path) in path(), extra in vec(any::<u8>(), 4..=98), random: [u8; 4]) {
        let sent = PathReturn::new(path_len, &path, PayloadType::Response, &extra).unwrap();
        let encoded = exactly(sent.encoded_len(), |out| sent.encode_into(out));
        let read = PathReturn::parse(&encoded).unwrap();
        prop_assert_eq!((read, read.response()), (sent, Response::parse(&extra).ok()));

        let sent = PathReturn::without_extra(path_len, &path, &random).unwrap();
        let encoded = exactly(sent.encoded_len(), |out| sent.encode_into(out));
        prop_assert_eq!(PathReturn::parse(&encoded), Ok(sent));
    }

    #[test]
    fn lists_read_back(
        total: i16,
        prefix_len in 1_u8..=32,
        neighbours in vec((any::<[u8; 32]>(), any::<u32>(), any::<i8>()), 0..8),
        entries in vec((any::<[u8; 6]>(), 1_u8..), 0..=23),
    ) {
        let neighbours = neighbours.iter().map(|(key, heard_secs_ago, snr)| Neighbour {
            prefix: &key[..usize::from(prefix_len)],
            heard_secs_ago: *heard_secs_ago,
            snr: SnrQuarterDb::new(*snr),
        });
        let received = padded(|out| Neighbours::encode_into(total, prefix_len, neighbours.clone(), out));
        let read = Neighbours::parse(&received, prefix_len).unwrap();
        prop_assert_eq!(read.total(), total);
        let sent = neighbours.take(130 / (usize::from(prefix_len) + 5));
        prop_assert!(read.entries().eq(sent));

        let entries: Vec<_> =
            entries.into_iter().map(|(prefix, permissions)| AccessEntry { prefix, permissions }).collect();
        let received = padded(|out| AccessList::encode_into(&entries, out));
        prop_assert_eq!(AccessList::new(&received).entries().collect::<Vec<_>>(), entries);
    }

    #[test]
    fn telemetry_reads_back(records in vec((1_u8.., lpp_type(), any::<[u32; 3]>()), 0..12)) {
        let mut out = [0; 160];
        let mut writer = LppWriter::new(&mut out);
        let mut written = Vec::new();
        for (channel, kind, bits) in records {
            // any number of the right width: what is left after a shift
            let raw: Vec<_> = (0..kind.divisors().len()).map(|index| i64::from(bits[index] >> 25)).collect();
            if writer.push(channel, kind, &raw).is_ok() {
                written.push((channel, kind, raw));
            }
        }
        let len = writer.written();
        for data in [&out[..len], &out] {
            let mut reader = LppReader::new(data);
            let read: Vec<_> = reader
                .by_ref()
                .map(|item| {
                    let raw = (0..item.len()).map(|index| item.raw(index).unwrap()).collect::<Vec<_>>();
                    (item.channel(), item.kind(), raw)
                })
                .collect();
            prop_assert_eq!(&read, &written);
            prop_assert_eq!((reader.stop(), reader.rest().len()), (LppStop::End, data.len() - len));
        }
    }

    #[test]
    fn a_number_is_sent_whole_or_not_at_all(kind in lpp_type(), number in -70_000_i64..70_000) {
        let mut out = [0; 16];
        let raw = vec![number; kind.divisors().len()];
        let mut writer = LppWriter::new(&mut out);
        if writer.push(1, kind, &raw).is_ok() {
            let item = LppReader::new(&out).next().unwrap();
            prop_assert!((0..item.len()).all(|index| item.raw(index) == Some(number)));
        } else {
            prop_assert_eq!(writer.written(), 0);
            prop_assert_eq!(out, [0; 16]);
        }
    }
}
