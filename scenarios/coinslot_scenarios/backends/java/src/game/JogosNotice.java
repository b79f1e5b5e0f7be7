package game;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;

/** Jogos' notification: is it genuine, and what does it say? (jogos:iap.1, jogos:iap.4, jogos:iap.sha1) */
final class JogosNotice {
    private static final Map<String, String> MESSAGES = Map.of(
            "200", "Success",
            "305", "Required parameter is missing",
            "40001", "Game not found",
            "41007", "Verification failed",
            "500", "System error");
    private static final Map<String, String> CODES = Map.of(
            "signature-missing", "41007",
            "signature-mismatch", "41007",
            "field-missing", "305",
            "field-invalid", "305",
            "game-mismatch", "40001");

    /** refunded: refundStatus is 1; refunding, failed and rejected refunds (0, 2, 3) take nothing. */
    record Notice(boolean isPay, boolean refunded, String orderId, String userId, String productId) {}

    private JogosNotice() {}

    /** sha1(body + shared key) over the bytes on the wire: 40 lowercase hex digits. Both directions sign like this. */
    static String sign(byte[] body, byte[] sharedKey) {
        try {
            var digest = MessageDigest.getInstance("SHA-1");
            digest.update(body);
            return HexFormat.of().formatHex(digest.digest(sharedKey));
        } catch (NoSuchAlgorithmException everyJdkHasIt) {
            throw new IllegalStateException(everyJdkHasIt);
        }
    }

    /**
     * The notification that these bytes prove.
     *
     * signatures   every Authorization header of the request: two are one too many
     * body         the bytes as they arrived. Parsing and writing them again gives other bytes, another signature
     */
    static Notice read(List<String> signatures, byte[] body, Settings.Jogos jogos) {
        checkSignature(signatures, body, jogos.sharedKey());
        var fields = Json.parseObject(body);
        long refundStatus = Fields.refundStatus(fields);
        boolean isPay = isPay(fields, refundStatus);
        String gameId = Fields.decimalId(fields, "gameId");
        var notice = new Notice(
                isPay,
                refundStatus == 1,
                Fields.text(fields, "orderId"),
                Fields.decimalId(fields, "userId"),
                Fields.text(fields, "productId"));
        // required by the document, though we need none of them: arrivedStatus is what the portal believes, and our
        // own journal knows better; a grant never depends on a time
        for (String name : List.of("arrivedStatus", "createTime", "payTime")) {
            Fields.wholeNumber(fields, name);
        }
        if (!gameId.equals(jogos.gameId())) {
            throw new Refused("game-mismatch", "the notification is about another game");
        }
        return notice;
    }

    private static void checkSignature(List<String> signatures, byte[] body, byte[] sharedKey) {
        if (signatures.isEmpty() || signatures.get(0).isEmpty()) {
            throw new Refused("signature-missing", "no signature");
        }
        byte[] sent = signatures.get(0).getBytes(ISO_8859_1);
        byte[] expected = sign(body, sharedKey).getBytes(ISO_8859_1);
        // isEqual takes the same time wherever the first difference is
        if (signatures.size() > 1 || !MessageDigest.isEqual(sent, expected)) {
            throw new Refused("signature-mismatch", "the signature does not belong to these bytes");
        }
    }

    /** The document's example has no paytype: read as a payment unless anything speaks of a refund. */
    private static boolean isPay(Map<String, Object> fields, long refundStatus) {
        if (Fields.optional(fields, "paytype") == null && refundStatus == -1) {
            return true;
        }
        Object kind = Fields.required(fields, "paytype");
        if (!kind.equals("pay") && !kind.equals("refund")) {
            throw new Refused("field-invalid", "paytype is neither pay nor refund");
        }
        return kind.equals("pay");
    }

    /** The documented answer: the notification was taken, for good. */
    static Reply accepted() {
        return reply(200, "200");
    }

    /** The documented answer for an error: of ours, the portal shall ask again, and a proxy shall see it too. */
    static Reply replyFor(RuntimeException error) {
        return error instanceof Refused refused
                ? reply(200, CODES.getOrDefault(refused.code, "500"))
                : reply(503, "500");
    }

    private static Reply reply(int status, String code) {
        return Reply.of(status, "code", code, "msg", MESSAGES.get(code));
    }
}
