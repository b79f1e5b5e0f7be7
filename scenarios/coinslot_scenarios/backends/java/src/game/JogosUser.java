package game;

import java.util.Map;
import java.util.Set;

/** Jogos' user token: whom does it speak of? (jogos:user.2, jogos:user.3, jogos:user.4) */
final class JogosUser {
    private static final String ISSUER = "com:jogos:sdk";
    private static final String UNAVAILABLE = "key-source-unavailable";

    private final Settings.Jogos jogos;
    private final HttpOut http;

    JogosUser(Settings.Jogos jogos, HttpOut http) {
        this.jogos = jogos;
        this.http = http;
    }

    /** The portal's id of the player whom the token proves. */
    String verify(Object text) {
        var token = new Tokens(text, Set.of("RS256"));
        // fetched for every verification, because the portal may change it at any time (jogos:user.2). It is always
        // the portal's: a key that a client sends along proves only that the client has a key
        var claims = token.verify(fetchPublicKey());
        if (!ISSUER.equals(claims.get("iss"))) {
            throw new Refused("issuer-mismatch", "the token was issued by somebody else");
        }
        if (claims.get("exp") == null) {
            throw new Refused("field-missing", "the token never expires");
        }
        return readUser(claims.get("sub"));
    }

    /** The user is JSON text inside `sub`. */
    private String readUser(Object sub) {
        String userId;
        String gameId;
        try {
            Map<String, Object> user = Json.parseObject(sub instanceof String text ? text : "");
            userId = Fields.decimalId(user, "userId");
            gameId = Fields.decimalId(user, "gameId");
        } catch (Refused error) {
            throw new Refused("sub-invalid", "the user in sub cannot be used: " + error.getMessage());
        }
        // every game of the portal has tokens under the same key: without this, another game's players log in here
        if (!gameId.equals(jogos.gameId())) {
            throw new Refused("game-mismatch", "the token is for another game");
        }
        return userId;
    }

    private java.security.PublicKey fetchPublicKey() {
        var answer = http.get(jogos.webUrl() + "/publicKey.json", UNAVAILABLE);
        try {
            if (answer.status() == 200 && Json.parseObject(answer.body()).get("data") instanceof String text) {
                var key = Keys.readText(text);
                if (key != null) {
                    return key;
                }
            }
        } catch (Refused notJson) {
            // the portal's fault and not the token's: undecided, as below
        }
        throw new Undecided(UNAVAILABLE, "publicKey.json holds no usable key (HTTP " + answer.status() + ")");
    }
}
