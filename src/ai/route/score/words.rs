//! The words that the features look for, per language. Written as usual: case and accents are folded when the lists are
//! read. A `*` at the end stands for any ending; blanks make a phrase of up to three words.

/// The words of one language.
pub(super) struct Words {
    /// In English, for explanations.
    pub(super) language: &'static str,
    /// The commonest words, by which the language is told.
    pub(super) common: &'static str,
    /// What joins the parts of a sentence.
    pub(super) joins: &'static str,
    /// Asks for weighing, comparing, explaining, finding a cause.
    pub(super) reasons: &'static str,
    /// What a wrong answer would be dear in: law, contracts, lost data, migrations.
    pub(super) weighty: &'static str,
    /// Points at something that is not said.
    pub(super) vague: &'static str,
    /// Begins a further question.
    pub(super) further: &'static str,
}

pub(super) const LANGUAGES: [Words; 8] =
    [ENGLISH, GERMAN, FRENCH, SPANISH, PORTUGUESE, ITALIAN, DUTCH, POLISH];

const ENGLISH: Words = Words {
    language: "English",
    common: "the, a, i, my, is, it, to, do, how, can, you, your, we, and, of, for, on, with, this, what, not, are, was, have, in, me, don, an, where, there, does, from, when, please",
    joins: "and, but, because, although, though, while, when, if, unless, until, since, so that, which, who, whereas, however, then, or, after, before, even though, as soon as, except, that, where, once",
    reasons: "why, cheaper, compare*, comparison, difference*, differ, better, best, versus, vs, instead, rather than, depends, depending, explain, cause*, reason*, recommend*, suggest*, should, trade off*, tradeoff*, pros and cons, advantage*, disadvantage*, drawback*, evaluat*, decide, decision, worth, affect*, impact*, consequence*, implication*, happens if, what if, whether, alternative*, workaround*, figure out, troubleshoot*, diagnos*, investigat*, inconsistent*, conflict*, contradict*, makes sense, make sense, sense, relationship, interact*, correct way, right way, strategy, approach*, step by step, guarantee*, optimi*, scale, limits, edge case*, race condition*, intermittent*, sometimes, reproduc*, expected, despite, exactly, supposed",
    weighty: "legal*, lawyer*, contract*, gdpr, complian*, breach*, liab*, audit*, sla, data loss, lost data, compensat*, court, regulat*, migrat*, architect*, security incident, incident*, downtime, outage*, production, terminat*, escalat*, data protection, hipaa, soc 2, chargeback*, fraud*, unauthori*, rollout, failover, concurren*, throughput, consisten*",
    vague: "it, this, that, something, somehow, thing*, stuff, anything, doesn t work, not working, broken, weird, they, them, same, again, still, problem, issue, help",
    further: "also, second, secondly, third, thirdly, additionally, furthermore, moreover, another question, on top, and finally, lastly, as well, plus, besides",
};

const GERMAN: Words = Words {
    language: "German",
    common: "der, die, das, ich, ist, und, nicht, wie, kann, ein, eine, einen, mein, meine, meinen, für, mit, zu, wir, sie, auf, den, dem, es, im, was, wo, von, bei, auch, noch, wird, habe, mir, uns, bitte, gibt, man",
    joins: "und, aber, weil, obwohl, während, wenn, falls, dass, bis, seit, damit, welche, welcher, welches, jedoch, dann, oder, nachdem, bevor, sobald, sondern, denn, ob, außer, trotzdem, wobei, sodass",
    reasons: "warum, günstiger, wieso, weshalb, vergleich*, unterschied*, besser*, beste*, statt, stattdessen, anstatt, gegenüber, abhäng*, hängt, erklär*, ursache*, grund, gründe, empfehl*, empfiehl*, sollte*, soll, sollen, vorteil*, nachteil*, abwäg*, entscheid*, lohnt, auswirk*, folge*, konsequenz*, was passiert, ob, alternative*, herausfinden, nachvollzieh*, widerspr*, sinnvoll, sinn, zusammenhang, vorgehen, strategie, schritt für schritt, garantier*, optimier*, manchmal, gelegentlich*, reproduz*, erwartet, trotz, eigentlich, genau, sporadisch*",
    weighty: "rechtlich*, anwalt*, anwält*, vertrag*, dsgvo, compliance, datenschutz*, haft*, schadensersatz, gericht*, frist*, migr*, architektur, sicherheitsvorfall*, vorfall*, ausfall*, produktiv*, produktion*, kündig*, eskal*, datenverlust*, betrug*, unbefugt*, rückerstatt*, audit*, sla, wirtschaftsprüf*, betriebsrat*, auftragsverarbeit*, mahnung*",
    vague: "es, das, dies, irgendwas, irgendwie, ding*, sache, geht nicht, funktioniert nicht, kaputt, komisch, selbe, gleiche, wieder, immer noch, problem, hilfe",
    further: "außerdem, zweitens, drittens, zudem, ferner, des weiteren, darüber hinaus, noch eine frage, und noch, zusätzlich, ebenfalls, schließlich, auch",
};

const FRENCH: Words = Words {
    language: "French",
    common: "le, la, les, je, est, et, ne, pas, comment, un, une, mon, ma, mes, pour, avec, vous, nous, sur, des, du, de, ce, que, qui, dans, il, au, j, l, d, c, où, puis, votre, sont",
    joins: "et, mais, parce que, bien que, pendant que, quand, lorsque, si, jusqu, depuis, afin, pour que, qui, dont, cependant, puis, ou, après, avant, dès que, alors, tandis que, sauf, car, donc, malgré, que",
    reasons: "pourquoi, moins cher, compar*, différence*, mieux, meilleur*, plutôt, versus, dépend*, expliqu*, cause*, raison*, recommand*, conseil*, devrais, devrait, devons, faut il, avantage*, inconvénient*, décid*, choisir, choix, vaut, impact*, conséquence*, se passe, alternative*, contournement, diagnosti*, contradict*, contredi*, incohéren*, sens, cohéren*, stratégie, étape par étape, garanti*, optimis*, parfois, intermittent*, reproduire, attendu, normal, exactement, au lieu",
    weighty: "juridique*, avocat*, contrat*, rgpd, conformité, fuite*, responsabilité*, indemni*, tribunal, migr*, architecture, incident*, panne*, production, résili*, escalad*, perte de données, fraud*, non autorisé*, rembours*, audit*, sla, mise en demeure, cnil, litige*, préjudice*",
    vague: "ça, cela, ceci, quelque chose, truc*, chose, marche pas, fonctionne pas, bizarre, même, encore, toujours, problème, aide, aidez",
    further: "aussi, deuxièmement, troisièmement, de plus, en outre, par ailleurs, autre question, enfin, également, en plus, ensuite",
};

const SPANISH: Words = Words {
    language: "Spanish",
    common: "el, la, los, las, es, y, no, cómo, un, una, mi, mis, para, con, en, de, del, que, se, por, me, al, lo, qué, puedo, tengo, hay, su, está, donde, dónde, nos, le, yo, hola",
    joins: "y, pero, porque, aunque, mientras, cuando, si, hasta, desde que, para que, cual, quien, sin embargo, entonces, o, después, antes, en cuanto, sino, salvo, ya que, pues, así que, además, que",
    reasons: "por qué, más barato, compar*, diferencia*, mejor*, en lugar, en vez, frente, depend*, explic*, causa*, razón, razones, motivo*, recomiend*, recomend*, aconsej*, debería*, debo, conviene, ventaja*, desventaja*, inconveniente*, decid*, elegir, merece, vale la pena, afect*, impacto, consecuencia*, qué pasa, alternativa*, averiguar, diagn*, contradic*, incoheren*, sentido, estrategia, paso a paso, garanti*, optimiz*, a veces, intermitente*, reproduc*, esperado, exactamente, a pesar",
    weighty: "legal*, abogad*, contrato*, rgpd, cumplimiento, brecha*, responsab*, indemniz*, tribunal, juicio, migra*, arquitectura, incidente*, caída*, producción, rescind*, escal*, pérdida de datos, fraud*, no autoriz*, reembols*, auditor*, sla, denuncia*, reclamación, protección de datos",
    vague: "eso, esto, ello, algo, cosa*, no funciona, no va, raro, mismo, misma, otra vez, todavía, sigue, problema, ayuda",
    further: "también, segundo, segunda, tercero, además, por otro lado, otra pregunta, por último, asimismo, encima, luego",
};

const PORTUGUESE: Words = Words {
    language: "Portuguese",
    common: "o, os, a, as, é, e, não, como, um, uma, meu, minha, meus, para, com, em, de, do, da, dos, no, na, que, se, por, eu, posso, você, vocês, onde, está, foi, tem, ao, ele, estou, qual",
    joins: "e, mas, porque, embora, enquanto, quando, se, até, desde que, para que, cujo, quem, porém, então, ou, depois, antes, assim que, senão, exceto, já que, pois, apesar, que",
    reasons: "por que, mais barato, porquê, compar*, diferença*, melhor*, em vez, ao invés, depend*, expli*, causa*, razão, motivo*, recomend*, aconselh*, deveria*, devo, devemos, vantage*, desvantage*, decid*, escolher, vale a pena, compensa, afeta*, impacto*, consequência*, o que acontece, alternativa*, descobrir, diagn*, contradi*, inconsisten*, sentido, estratégia, passo a passo, garant*, otimiz*, às vezes, intermitente*, reproduz*, esperado, exatamente",
    weighty: "jurídic*, advogad*, contrat*, lgpd, rgpd, conformidade, vazamento*, responsab*, indeniz*, processo judicial, migra*, arquitetura, incidente*, queda*, produção, rescis*, escal*, perda de dados, fraude*, não autoriz*, reembols*, auditor*, sla, procon, proteção de dados",
    vague: "isso, isto, aquilo, algo, coisa*, não funciona, estranho, mesmo, mesma, de novo, ainda, continua, problema, ajuda",
    further: "também, segundo, terceiro, além disso, outra pergunta, outra dúvida, por último, ainda por cima, por fim, aliás",
};

const ITALIAN: Words = Words {
    language: "Italian",
    common: "il, lo, la, i, gli, le, è, e, non, come, un, una, mio, mia, miei, per, con, in, di, del, della, che, si, mi, posso, ho, al, nel, sono, dove, ci, da, alla, quando, l, vorrei",
    joins: "e, ma, perché, anche se, mentre, quando, se, finché, da quando, affinché, quale, chi, tuttavia, poi, o, oppure, dopo, prima, appena, bensì, tranne, poiché, quindi, nonostante, però, che",
    reasons: "perché, più economico, confront*, differenz*, meglio, miglior*, invece, piuttosto, rispetto, dipend*, spieg*, causa*, ragion*, motivo, motivi, consigli*, raccomand*, dovrei, dovremmo, conviene, vantagg*, svantagg*, decid*, scegliere, scelta, vale la pena, influi*, impatto, conseguenz*, cosa succede, alternativ*, capire, diagn*, contradd*, incoeren*, senso, strategia, passo passo, garant*, ottimizz*, a volte, intermittent*, riprodu*, previsto, esattamente",
    weighty: "legal*, avvocat*, contratt*, gdpr, conformità, violazion*, responsab*, risarc*, tribunale, migra*, architettura, incident*, disservizi*, produzione, recess*, disdett*, escal*, perdita di dati, perdita dati, frod*, non autorizz*, rimbors*, audit, sla, garante, diffida",
    vague: "questo, quello, ciò, qualcosa, cosa, roba, non funziona, non va, strano, stesso, stessa, di nuovo, ancora, problema, aiuto",
    further: "anche, inoltre, secondo, terzo, in secondo luogo, un altra domanda, infine, per di più, altra cosa, poi",
};

const DUTCH: Words = Words {
    language: "Dutch",
    common: "de, het, een, ik, is, en, niet, hoe, kan, mijn, voor, met, te, we, wij, op, van, dat, die, u, je, jullie, er, wat, waar, bij, ook, nog, wordt, heb, mij, ons, om, aan, naar, zijn, geen, maar",
    joins: "en, maar, omdat, hoewel, terwijl, wanneer, als, indien, dat, tot, sinds, zodat, welke, wie, echter, dan, of, nadat, voordat, zodra, want, behalve, toch, waardoor, waarbij, doordat",
    reasons: "waarom, goedkoper, vergelijk*, verschil*, beter*, beste, plaats van, in plaats, tegenover, afhankelijk*, hangt, uitleg*, leg uit, oorzaak, reden*, aanrad*, raad, aanbevel*, advies, zou, moet ik, voordeel, voordelen, nadeel, nadelen, afweg*, beslis*, kiezen, keuze, loont, invloed, gevolg*, wat gebeurt, alternatie*, uitzoeken, achterhal*, tegenstrijdig*, tegensprek*, zinvol, logisch*, samenhang, strategie, aanpak, stap voor stap, garande*, optimalis*, soms, af en toe, reproduce*, verwacht*, ondanks, precies",
    weighty: "juridisch*, advoca*, contract*, avg, compliance, datalek*, aansprakelijk*, schadevergoeding, rechter, rechtbank, migr*, architectuur, incident*, storing*, productie*, opzeg*, ontbind*, escal*, dataverlies, fraude*, onbevoegd*, ongeautoriseerd*, terugbetal*, audit*, sla, accountant*, verwerkersovereenkomst*, ingebrekestelling",
    vague: "het, dit, dat, iets, ding*, werkt niet, doet het niet, raar, zelfde, weer, nog steeds, probleem, hulp, help",
    further: "ook, ten tweede, tweede, derde, daarnaast, bovendien, verder, nog een vraag, tot slot, ten slotte, tevens, en nog",
};

const POLISH: Words = Words {
    language: "Polish",
    common: "jak, nie, i, w, z, na, do, mogę, jest, to, się, mój, moja, moje, mi, dla, że, co, czy, po, od, za, o, mam, gdzie, był, być, są, już, tylko, przez, proszę, można, nasz, na",
    joins: "i, ale, ponieważ, chociaż, podczas gdy, kiedy, gdy, jeśli, jeżeli, dopóki, aż, żeby, aby, który, która, które, jednak, potem, lub, albo, po tym, zanim, skoro, oprócz, bo, więc, że, natomiast, choć",
    reasons: "dlaczego, taniej, czemu, porówna*, różni*, lepiej, lepsz*, najlep*, zamiast, zależ*, wyjaśni*, wytłumacz*, przyczyn*, powód, powod*, polec*, doradz*, powinien*, powinn*, warto, zalet*, wad*, decyzj*, zdecyd*, wybra*, opłaca, wpływ*, skutk*, konsekwencj*, co się stanie, alternatyw*, ustalić, zdiagnoz*, sprzeczn*, niespójn*, sens, strategi*, podejści*, krok po kroku, gwarant*, optymaliz*, czasami, czasem, odtworz*, oczekiwa*, mimo, dokładnie, losowo",
    weighty: "prawn*, umow*, rodo, zgodnoś*, wyciek*, odpowiedzialn*, odszkodowa*, sąd*, migr*, architektur*, incydent*, awari*, produkcj*, produkcyjn*, wypowied*, eskal*, utrat*, oszust*, nieautoryzowan*, nieuprawnion*, zwrot*, audyt*, sla, uodo, reklamacj*",
    vague: "to, coś, rzecz*, nie działa, dziwn*, samo, znowu, znów, nadal, wciąż, problem*, pomoc*, pomóż*",
    further: "też, także, po drugie, po trzecie, ponadto, poza tym, dodatkowo, kolejne pytanie, jeszcze jedno, na koniec, również, oprócz tego",
};
