package game;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.net.URLEncoder;
import java.util.Map;
import java.util.Set;

/** Playgama's purchase: is it genuine, whose is it, and is it paid? (playgama:3.A, playgama:3.B, playgama:practice) */
final class Playgama {
    // asymmetric ones alone: with HS256 the public key would be the secret
    private static final Set<String> ALGORITHMS = Set.of("RS256", "ES256");
    private static final String UNAVAILABLE = "verify-unavailable";

    private record Claims(String orderId, String externalId) {}

    private final String url;
    private final PlaygamaKeys keys;
    private final HttpOut http;
    private final Store store;

    Playgama(Settings.Playgama playgama, HttpOut http, Store store) {
        this.url = playgama.url();
        this.keys = new PlaygamaKeys(playgama, http);
        this.http = http;
        this.store = store;
    }

    /**
     * Grants what a purchase token stands for, and returns the product, also for a repetition; null where the portal
     * does not confirm the purchase (yet).
     *
     * userId       who is logged in; a token names no player, so it is our intent that does
     * externalId   what the client claims, or null; only compared, never trusted
     * throws       Refused; Undecided: nothing was decided, the client shall submit the purchase again
     */
    String submit(Object token, Object externalId, String userId) {
        var claims = verifyToken(token);
        var intent = intentOf(claims, externalId, userId);
        var order = new Store.Order("playgama", claims.orderId());
        if (store.findGrant(order) == null) {
            // the token says who issued it; only the portal says that it was paid, and still is
            if (!isPaid(claims)) {
                return null;
            }
            // the product is that of the intent: what the client says it bought is signed by nobody.
            // Eight at once come this far, one is first; for the others this does nothing
            store.grant(order, new Store.Grant(userId, intent.productId(), claims.externalId()), true);
        }
        var grant = store.findGrant(order);
        if (!grant.userId().equals(userId)) {
            throw new Refused("external-id-mismatch", "the order is somebody else's");
        }
        if (store.isRefunded(order)) {
            throw new Refused("refunded", "the purchase was refunded");
        }
        return grant.productId();
    }

    /** No callback tells of a refund or a chargeback, so ask about everything that was granted. */
    void checkAgain() {
        store.standingGrants("playgama").forEach((order, grant) -> {
            try {
                if (!isPaid(new Claims(order.orderId(), grant.externalId()))) {
                    store.revoke(order);
                }
            } catch (Undecided error) {
                System.err.printf("verify %s: %s; next time%n", order.orderId(), error.getMessage());
            }
        });
    }

    private Claims verifyToken(Object text) {
        var token = new Tokens(text, ALGORITHMS);
        Refused refusal = null;
        for (var key : keys.find(token.header("kid"), token.header("alg"))) { // a set may hold one kid twice
            try {
                return readClaims(token.verify(key.key()));
            } catch (Refused error) {
                refusal = error;
            }
        }
        throw refusal;
    }

    private static Claims readClaims(Map<String, Object> claims) {
        try {
            return new Claims(Fields.text(claims, "orderId"), Fields.text(claims, "externalId"));
        } catch (Refused error) {
            throw new Refused("token-malformed", "the purchase token cannot be used: " + error.getMessage());
        }
    }

    private Store.Grant intentOf(Claims claims, Object externalId, String userId) {
        var intent = store.findIntent(claims.externalId());
        boolean isTheirs = intent != null && intent.userId().equals(userId);
        if (!isTheirs || externalId != null && !externalId.equals(claims.externalId())) {
            throw new Refused("external-id-mismatch", "the purchase was not begun by this player");
        }
        return intent;
    }

    private boolean isPaid(Claims claims) {
        // encoded, so that neither can add a parameter
        String query = "orderId=" + URLEncoder.encode(claims.orderId(), UTF_8)
                + "&externalId=" + URLEncoder.encode(claims.externalId(), UTF_8);
        var answer = http.get(url + "/api/v1/payments/verify?" + query, UNAVAILABLE);
        // only JSON true is a yes and only JSON false is a no: not "true", not 1, not an HTTP status
        var success = readAnswer(answer).get("success");
        if (Boolean.TRUE.equals(success) && answer.status() == 200) {
            return true;
        }
        if (Boolean.FALSE.equals(success)) {
            return false;
        }
        throw new Undecided(UNAVAILABLE, "the verification says neither yes nor no");
    }

    private static Map<String, Object> readAnswer(HttpOut.Answer answer) {
        if (!Set.of(200, 400, 404).contains(answer.status())) {
            throw new Undecided(UNAVAILABLE, "the verification answered HTTP " + answer.status());
        }
        try {
            return Json.parseObject(answer.body());
        } catch (Refused notJson) {
            throw new Undecided(UNAVAILABLE, "the verification answered no JSON object");
        }
    }
}
