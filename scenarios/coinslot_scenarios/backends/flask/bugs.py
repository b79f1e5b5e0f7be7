"""Every mistake that this backend can be switched to with COINSLOT_BUG=<id>, each a real one and each alone.

They exist to show that the checks bite. Nothing here is an example of anything but what goes wrong.
"""

import bugs_login as login
import bugs_money as money
import bugs_shop as shop
from bug import Bug

BUGS: dict[str, Bug] = {
    "demands-kid": login.DemandsKid,
    "payload-taken-for-user": login.PayloadTakenForUser,
    "key-cached-forever": login.KeyCachedForever,
    "alg-none-accepted": login.AlgNoneAccepted,
    "empty-signature-accepted": login.EmptySignatureAccepted,
    "hs256-with-public-key": login.Hs256WithPublicKey,
    "game-not-compared": login.GameNotCompared,
    "expiry-ignored": login.ExpiryIgnored,
    "empty-user-logs-in": login.EmptyUserLogsIn,
    "answers-plain-ok": money.AnswersPlainOk,
    "signs-reserialised-body": money.SignsReserialisedBody,
    "missing-signature-accepted": money.MissingSignatureAccepted,
    "signature-not-checked": money.SignatureNotChecked,
    "missing-field-crashes": money.MissingFieldCrashes,
    "callback-game-not-compared": money.CallbackGameNotCompared,
    "grants-to-last-login": money.GrantsToLastLogin,
    "find-then-insert": money.FindThenInsert,
    "refund-pays-again": money.RefundPaysAgain,
    "refund-only-logged": money.RefundOnlyLogged,
    "first-page-only": money.FirstPageOnly,
    "never-confirms": money.NeverConfirms,
    "confirms-in-other-spelling": money.ConfirmsInOtherSpelling,
    "takes-first-jwks-key": shop.TakesFirstJwksKey,
    "key-set-cached-forever": shop.KeySetCachedForever,
    "any-key-for-unknown-kid": shop.AnyKeyForUnknownKid,
    "embedded-jwk-trusted": shop.EmbeddedJwkTrusted,
    "purchase-alg-none-accepted": shop.PurchaseAlgNoneAccepted,
    "purchase-decoded-only": shop.PurchaseDecodedOnly,
    "granted-on-jwt-alone": shop.GrantedOnJwtAlone,
    "any-http-200-is-paid": shop.AnyHttp200IsPaid,
    "pending-is-final": shop.PendingIsFinal,
    "outage-grants": shop.OutageGrants,
    "purchase-granted-each-time": shop.PurchaseGrantedEachTime,
    "purchase-find-then-insert": shop.PurchaseFindThenInsert,
    "external-id-not-compared": shop.ExternalIdNotCompared,
    "any-player-may-claim": shop.AnyPlayerMayClaim,
}
