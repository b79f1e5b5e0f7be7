// Reads a key as a Java backend does that takes the document at its word: 27 characters off the front, 25 off
// the end, strict Base64 between them, the JDK's own key factory, and then a signature check.
// Usage: java ReadKey.java TOKEN < key text ; prints the claims' JSON, or fails.

import java.nio.charset.StandardCharsets;
import java.security.KeyFactory;
import java.security.PublicKey;
import java.security.Signature;
import java.security.spec.X509EncodedKeySpec;
import java.util.Base64;

public class ReadKey {
    private static final int FRONT = 27;
    private static final int END = 25;

    public static void main(String[] arguments) throws Exception {
        String text = new String(System.in.readAllBytes(), StandardCharsets.UTF_8);
        if (text.startsWith("-----BEGIN PUBLIC KEY-----")) {
            text = text.substring(FRONT, text.length() - END);
        }
        byte[] der = Base64.getDecoder().decode(text);
        PublicKey key = KeyFactory.getInstance("RSA").generatePublic(new X509EncodedKeySpec(der));

        String[] parts = arguments[0].split("\\.");
        Signature signature = Signature.getInstance("SHA256withRSA");
        signature.initVerify(key);
        signature.update((parts[0] + "." + parts[1]).getBytes(StandardCharsets.US_ASCII));
        if (!signature.verify(Base64.getUrlDecoder().decode(parts[2]))) {
            throw new SecurityException("the signature does not match");
        }
        System.out.write(Base64.getUrlDecoder().decode(parts[1]));
        System.out.flush();
    }
}
