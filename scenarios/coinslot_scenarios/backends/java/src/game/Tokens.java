package game;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.security.GeneralSecurityException;
import java.security.PublicKey;
import java.security.Signature;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

/** A signed token in three parts (RFC 7515), read as far as nobody has to be believed. */
final class Tokens {
    private static final long CLOCK_SKEW_S = 30;
    private static final int CHARS_MAX = 16_384;
    private static final Pattern COMPACT = Pattern.compile("([\\w-]+)\\.([\\w-]+)\\.([\\w-]+)");
    private static final Map<String, String> JCA_NAMES =
            Map.of("RS256", "SHA256withRSA", "ES256", "SHA256withECDSAinP1363Format");
    // crit changes how a token is read, the others bring a key of the sender's own
    private static final List<String> HEADERS_REFUSED = List.of("crit", "b64", "zip", "jwk", "jku", "x5c", "x5u");

    private final Map<String, Object> header;
    private final byte[] payload;
    private final byte[] signed;
    private final byte[] signature;

    /**
     * Reads header and form; it comes before any key is fetched, so that rubbish costs the portal nothing.
     *
     * algorithms   those we take. The token's own choice is no choice: "none" and HS256 are forgeries
     */
    Tokens(Object token, Set<String> algorithms) {
        var parts = COMPACT.matcher(token instanceof String text && text.length() <= CHARS_MAX ? text : "");
        if (!parts.matches()) {
            throw new Refused("token-malformed", "not a signed token");
        }
        header = Json.parseObject(decode(parts.group(1)));
        payload = decode(parts.group(2));
        signature = decode(parts.group(3));
        signed = (parts.group(1) + "." + parts.group(2)).getBytes(US_ASCII);
        if (!(header.get("alg") instanceof String algorithm) || !algorithms.contains(algorithm)) {
            throw new Refused("alg-refused", "the algorithm is not one of ours");
        }
        if (HEADERS_REFUSED.stream().anyMatch(header::containsKey)) {
            throw new Refused("alg-refused", "the header holds what we do not take");
        }
    }

    /** A member of the header, which nobody has checked: good for choosing a key, never for believing. */
    Object header(String name) {
        return header.get(name);
    }

    /** The payload, where its signature is that of this key and its times are good. */
    Map<String, Object> verify(PublicKey key) {
        if (!isSignedBy(key)) {
            throw new Refused("signature-mismatch", "the signature is not that of the portal's key");
        }
        var claims = Json.parseObject(payload);
        double nowS = System.currentTimeMillis() / 1000.0;
        if (nowS >= time(claims, "exp", Double.POSITIVE_INFINITY) + CLOCK_SKEW_S) {
            throw new Refused("token-expired", "the token has expired");
        }
        if (nowS < time(claims, "nbf", Double.NEGATIVE_INFINITY) - CLOCK_SKEW_S) {
            throw new Refused("token-not-yet-valid", "the token is meant for later");
        }
        return claims;
    }

    private boolean isSignedBy(PublicKey key) {
        try {
            var check = Signature.getInstance(JCA_NAMES.get((String) header.get("alg")));
            check.initVerify(key);
            check.update(signed);
            return check.verify(signature);
        } catch (GeneralSecurityException error) {
            return false; // a key of another kind, or bytes that are no signature
        }
    }

    private static double time(Map<String, Object> claims, String name, double otherwise) {
        Object value = claims.get(name);
        if (value != null && !(value instanceof Number)) {
            throw new Refused("token-malformed", name + " is no time");
        }
        return value == null ? otherwise : ((Number) value).doubleValue();
    }

    /** Base64url without padding; one value has one spelling. */
    private static byte[] decode(String part) {
        try {
            byte[] bytes = Base64.getUrlDecoder().decode(part);
            if (Base64.getUrlEncoder().withoutPadding().encodeToString(bytes).equals(part)) {
                return bytes;
            }
        } catch (IllegalArgumentException notBase64) {
            // falls through
        }
        throw new Refused("token-malformed", "a part is not Base64url");
    }
}
