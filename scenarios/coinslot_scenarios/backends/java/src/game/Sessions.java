package game;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.util.Base64;
import java.util.regex.Pattern;

/** Our own sessions. A portal's token is exchanged for one at login and not kept: it is short-lived, and not ours. */
final class Sessions {
    private static final long LIFETIME_MS = 12 * 3_600_000;
    private static final Pattern BEARER = Pattern.compile("Bearer ([\\w-]+)", Pattern.CASE_INSENSITIVE);

    private final Store store;
    private final SecureRandom random = new SecureRandom();

    Sessions(Store store) {
        this.store = store;
    }

    /** A new session of this player; the secret is given away once and only its digest is kept. */
    String open(String userId) {
        byte[] bytes = new byte[24];
        random.nextBytes(bytes);
        String secret = Base64.getUrlEncoder().encodeToString(bytes);
        store.addSession(digest(secret), new Store.Session(userId, System.currentTimeMillis() + LIFETIME_MS));
        return secret;
    }

    /** The player of `Authorization: Bearer session`. */
    String userOf(String authorization) {
        var bearer = BEARER.matcher(authorization);
        var session = bearer.matches() ? store.findSession(digest(bearer.group(1))) : null;
        if (session == null || session.endsAtMs() <= System.currentTimeMillis()) {
            throw new Refused("session-invalid", "log in first");
        }
        return session.userId();
    }

    /** Looked up by digest, so that the time of a look-up tells nothing of a secret. */
    private static String digest(String secret) {
        try {
            byte[] digest = MessageDigest.getInstance("SHA-256").digest(secret.getBytes(UTF_8));
            return Base64.getEncoder().encodeToString(digest);
        } catch (NoSuchAlgorithmException everyJdkHasIt) {
            throw new IllegalStateException(everyJdkHasIt);
        }
    }
}
