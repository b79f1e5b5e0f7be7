package game;

import java.io.ByteArrayOutputStream;
import java.math.BigInteger;
import java.security.AlgorithmParameters;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PublicKey;
import java.security.interfaces.RSAPublicKey;
import java.security.spec.ECGenParameterSpec;
import java.security.spec.ECParameterSpec;
import java.security.spec.ECPoint;
import java.security.spec.ECPublicKeySpec;
import java.security.spec.RSAPublicKeySpec;
import java.security.spec.X509EncodedKeySpec;
import java.util.Base64;
import java.util.HexFormat;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * From a public key as portals publish it to one that can verify. A key that is not RSA of at least 2,048 bits, or
 * P-256, is none: the methods return null.
 */
final class Keys {
    private static final Pattern PEM =
            Pattern.compile("-----BEGIN (RSA )?PUBLIC KEY-----([^-]*)-----END (RSA )?PUBLIC KEY-----");
    private static final byte[] RSA_ALGORITHM = HexFormat.of().parseHex("300d06092a864886f70d0101010500");
    private static final int RSA_BITS_MIN = 2048;

    /** One key of a set; kid may be null. */
    record SetKey(String kid, String algorithm, PublicKey key) {}

    private Keys() {}

    /**
     * The text of an RSA key: PEM with any line breaks or none, SPKI or PKCS#1, or bare Base64. Cutting off a fixed
     * number of characters would fit one spelling alone; here the labels come off by name and all white space with
     * them, and what is left must be strict Base64 of a key.
     */
    static PublicKey readText(String text) {
        var pem = PEM.matcher(text.strip());
        boolean isPem = pem.matches();
        String base64 = (isPem ? pem.group(2) : text).replaceAll("\\s", "");
        try {
            byte[] der = Base64.getDecoder().decode(base64);
            boolean isPkcs1 = isPem && pem.group(1) != null;
            var key = KeyFactory.getInstance("RSA").generatePublic(new X509EncodedKeySpec(isPkcs1 ? spki(der) : der));
            return strong((RSAPublicKey) key);
        } catch (IllegalArgumentException | GeneralSecurityException error) {
            return null;
        }
    }

    /** An entry of a key set; null for whatever is not a public signing key of ours. */
    static SetKey readJwk(Map<String, Object> entry) {
        try {
            if (!"sig".equals(entry.getOrDefault("use", "sig"))) {
                return null;
            }
            // above all no "oct": that would be a shared secret
            var kty = String.valueOf(entry.get("kty"));
            PublicKey key = kty.equals("RSA") ? readRsa(entry) : kty.equals("EC") ? readP256(entry) : null;
            String algorithm = kty.equals("RSA") ? "RS256" : "ES256";
            if (key == null || !algorithm.equals(entry.getOrDefault("alg", algorithm))) {
                return null;
            }
            return new SetKey(entry.get("kid") instanceof String kid ? kid : null, algorithm, key);
        } catch (IllegalArgumentException | GeneralSecurityException error) {
            return null;
        }
    }

    private static PublicKey readRsa(Map<String, Object> entry) throws GeneralSecurityException {
        var spec = new RSAPublicKeySpec(number(entry, "n"), number(entry, "e"));
        return strong((RSAPublicKey) KeyFactory.getInstance("RSA").generatePublic(spec));
    }

    private static PublicKey readP256(Map<String, Object> entry) throws GeneralSecurityException {
        if (!"P-256".equals(entry.get("crv"))) {
            return null;
        }
        var parameters = AlgorithmParameters.getInstance("EC");
        parameters.init(new ECGenParameterSpec("secp256r1"));
        var point = new ECPoint(number(entry, "x"), number(entry, "y"));
        var spec = new ECPublicKeySpec(point, parameters.getParameterSpec(ECParameterSpec.class));
        return KeyFactory.getInstance("EC").generatePublic(spec);
    }

    private static BigInteger number(Map<String, Object> entry, String name) {
        if (!(entry.get(name) instanceof String text)) {
            throw new IllegalArgumentException(name);
        }
        return new BigInteger(1, Base64.getUrlDecoder().decode(text));
    }

    private static RSAPublicKey strong(RSAPublicKey key) {
        return key.getModulus().bitLength() >= RSA_BITS_MIN ? key : null;
    }

    /** PKCS#1 holds modulus and exponent alone; the JDK reads only the form that names the algorithm too. */
    private static byte[] spki(byte[] pkcs1) {
        byte[] bits = new byte[pkcs1.length + 1]; // a leading byte counts the unused bits: none
        System.arraycopy(pkcs1, 0, bits, 1, pkcs1.length);
        var inside = new ByteArrayOutputStream();
        inside.writeBytes(RSA_ALGORITHM);
        inside.writeBytes(der(0x03, bits));
        return der(0x30, inside.toByteArray());
    }

    /** One DER value of 256 to 65,535 bytes; a key that is shorter is too short for us anyway. */
    private static byte[] der(int tag, byte[] content) {
        var out = new ByteArrayOutputStream();
        out.write(tag);
        out.write(0x82); // two bytes of length follow
        out.write(content.length >> 8);
        out.write(content.length);
        out.writeBytes(content);
        return out.toByteArray();
    }
}
