package game;

import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Set;

/**
 * What the environment says, read once and nowhere else. Addresses of a portal are never written into code: test and
 * production have hosts of their own (jogos:iap.env).
 *
 * journalFile   null for a temporary one
 * playgama      null where this game is not on Playgama
 */
record Settings(int port, String journalFile, Jogos jogos, Playgama playgama) {
    /** What this game sells; an order of anything else is not acknowledged. */
    static final Set<String> JOGOS_PRODUCTS = Set.of("1002", "1003", "1004");

    static final Set<String> PLAYGAMA_PRODUCTS = Set.of("gems_100", "gems_200");

    record Jogos(String webUrl, String apiUrl, String gameId, byte[] sharedKey) {}

    record Playgama(String url, long keyCacheS) {}

    static final class Invalid extends Exception {
        Invalid(String message) {
            super(message);
        }
    }

    static Settings read(Map<String, String> env) throws Invalid {
        var jogos = new Jogos(
                address(env, "JOGOS_WEB_URL"),
                address(env, "JOGOS_API_URL"),
                digits(env, "JOGOS_GAME_ID", null),
                required(env, "JOGOS_SHARED_KEY").getBytes(StandardCharsets.UTF_8));
        var playgama = isSet(env, "PLAYGAMA_URL")
                ? new Playgama(address(env, "PLAYGAMA_URL"), Long.parseLong(digits(env, "PLAYGAMA_KEY_CACHE_S", "300")))
                : null;
        int port = Integer.parseInt(digits(env, "PORT", "8080"));
        return new Settings(port, isSet(env, "JOURNAL_FILE") ? env.get("JOURNAL_FILE") : null, jogos, playgama);
    }

    private static boolean isSet(Map<String, String> env, String name) {
        return !env.getOrDefault(name, "").isEmpty();
    }

    private static String required(Map<String, String> env, String name) throws Invalid {
        if (!isSet(env, name)) {
            throw new Invalid(name + " is not set");
        }
        if (env.get(name).indexOf('\uFFFD') >= 0) { // JDK 17 reads the environment in the charset of the locale
            throw new Invalid(name + " cannot be read in this locale; set LC_ALL=C.UTF-8");
        }
        return env.get(name);
    }

    private static String address(Map<String, String> env, String name) throws Invalid {
        String value = required(env, name);
        try {
            var scheme = String.valueOf(URI.create(value).toURL().getProtocol());
            if (scheme.equals("http") || scheme.equals("https")) {
                return value.replaceAll("/+$", "");
            }
        } catch (IllegalArgumentException | java.net.MalformedURLException error) {
            // falls through
        }
        throw new Invalid(name + " is no http or https address");
    }

    private static String digits(Map<String, String> env, String name, String otherwise) throws Invalid {
        String value = otherwise == null || isSet(env, name) ? required(env, name) : otherwise;
        if (!value.matches("0|[1-9][0-9]{0,17}")) {
            throw new Invalid(name + " is not a whole number");
        }
        return value;
    }
}
