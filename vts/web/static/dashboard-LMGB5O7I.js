import{$ as Ke,A as y,B as x,C as D,D as De,E as $e,F as T,G as je,H,I as P,J as Ue,K as Y,L as O,M as w,N as re,O as v,P as Be,Q as Fe,R as ne,S as _,T as E,U as K,V as We,W as b,X as z,Y as q,Z as p,_ as He,a as xe,aa as ze,b as qe,ba as me,ca as m,d as Ne,da as Je,e as B,ea as he,f as Re,fa as ie,ga as Ye,h as A,ha as Ge,i as S,ia as Xe,j as g,ja as N,k as Le,ka as Ze,l as F,la as Qe,m as Me,ma as et,n as I,o as ee,p as Ve,q as te,r as pe,s as W,t as c,u as Ie,v as t,w as L,x as se,y as ae,z as oe}from"./chunk-NREHBSDR.js";import{b as Ae,d as U,g as C,j as V}from"./chunk-GCGD7SKE.js";var ve=25,bt=[["title","Content","title"],["created_at","Created","created_at"],["views","Views","total_views"],["unique_viewers","Viewers","unique_viewers"],["reactions","Reactions","total_reactions"],["comments","Comments","total_comments"],["last_view_at","Last view","last_view_at"]],fe=C("");function tt(){let e=se.value.id,r=`/api/user/${encodeURIComponent(e)}/artist-stats`,o=_(`artist:${e}`),{now:n,former:a}=E(r,o?.seq,{trend_of:ne(Fe)});return t`<${P} title=${`Artist ${e}`} about=${n.data?Ie(n.data):"…"} zone=${n.data}>${n.data&&t`<${Xe} subject=${{user_id:n.data.user_id}} />`}<//>
    <${v} asked=${n} room=${t`<${O} metrics=${8} />`}>${s=>t`<${et} body=${s} former=${a} live=${o} path=${r} />`}<//>
    <${_t} id=${e} pulse=${o?.seq} />`}function _t({id:e,pulse:r}){let o=L.value.searchParams,n=o.get("sort")??"-views",a=Math.max(0,Number(o.get("page"))||0),s=`/api/user/${encodeURIComponent(e)}/posts-stats`,i=fe.value.trim().toLowerCase(),d=A(s,{...x.value,sort:n,limit:i?500:ve,offset:i?0:a*ve},r);return t`<${p} title="Contents" wide=${!0} files=${`${s}?${new URLSearchParams({...x.value,sort:n,limit:"500"})}`}>
    <input type="search" placeholder="Search titles" aria-label="Search titles" value=${fe.value} onInput=${u=>{fe.value=u.currentTarget.value}} />
    <${v} asked=${d} lines=${8}>
      ${u=>{let f=u.posts.filter($=>!i||V($).toLowerCase().includes(i));if(!f.length)return t`<${w}>${i?"No title has this text.":"No contents yet."}<//>`;let l=Math.ceil(u.total/ve);return t`<div class="scroll" tabindex="0" role="region" aria-label="List of contents">
            <table class="rows">
              <thead><tr>${bt.map(([$,h])=>t`<${gt} key=${$} name=${$} label=${h} sort=${n} />`)}</tr></thead>
              <tbody>
                ${f.map($=>t`<tr key=${$.post_id}>
                    <th scope="row"><a href=${N($.post_id)}>${V($)}</a> <small>${c($.kind??"")}${$.visibility==="private"?", private":""}</small></th>
                    <td>${$.created_at?Ve($.created_at):"–"}</td>
                    ${["total_views","unique_viewers","total_reactions","total_comments"].map(h=>t`<td class="n">${g($[`${h}${y.value}`])}</td>`)}
                    <td>${te($[`last_view_at${y.value}`])}</td>
                  </tr>`)}
              </tbody>
            </table>
          </div>
          ${!i&&l>1&&t`<nav class="pager" aria-label="Pages of the list">
            <button type="button" disabled=${a===0} onClick=${()=>T({page:a>1?`${a-1}`:null})}>Previous</button>
            <span>Page ${a+1} of ${l}</span>
            <button type="button" disabled=${a+1>=l} onClick=${()=>T({page:`${a+1}`})}>Next</button>
          </nav>`}`}}
    <//>
  <//>`}function gt({name:e,label:r,sort:o}){let n=o.replace("-","")===e,a=o.startsWith("-"),s=n&&a?e:n?`-${e}`:e==="title"?e:`-${e}`,i=!["title","created_at","last_view_at"].includes(e);return t`<th scope="col" class=${i?"n":""} aria-sort=${n?a?"descending":"ascending":void 0}>
    <button type="button" class="plain" onClick=${()=>T({sort:s,page:null})}>${r}${n?a?" ↓":" ↑":""}</button>
  </th>`}var kt=Date.UTC(2024,0,1),Ct=new Intl.DateTimeFormat(void 0,{weekday:"short",timeZone:"UTC"}),st=Array.from({length:7},(e,r)=>Ct.format(kt+r*864e5));function at(e,r){let o=Array.from({length:7},()=>Array(24).fill(0));for(let n of e)o[n.weekday][n.hour]=n[`views${r}`];return o}function ot({title:e,cells:r}){let o=Math.max(0,...r.flat());return t`<div class="scroll" tabindex="0" role="region" aria-label=${e}>
    <table class="heat">
      <caption class="unseen">${e}</caption>
      <thead><tr><td></td>${Array.from({length:24},(n,a)=>t`<th scope="col">${a%3?t`<span class="unseen">${a}</span>`:a}</th>`)}</tr></thead>
      <tbody>
        ${r.map((n,a)=>t`<tr><th scope="row">${st[a]}</th>
          ${n.map((s,i)=>t`<td class=${`s${He(s,o)}`} title=${`${st[a]} ${i}:00: ${S(s)}`}><span class="unseen">${S(s)}</span></td>`)}
        </tr>`)}
      </tbody>
    </table>
  </div>`}function nt(){let e=_("site"),r=E("/api/admin/channels",e?.seq),o=E("/api/admin/play-orders",e?.seq),n=A("/api/admin/peak-hours",x.value,e?.seq);return t`<${P} title="Channels" about="Where players and pages found what they showed." />
    <div class="cards">
      <${p} title="Channels" wide=${!0} files=${b("/api/admin/channels","channels")}>
        <${v} asked=${r.now} lines=${9}>${a=>t`<${rt} rows=${a.channels} former=${r.former?.channels} field="channel" label="Channel" />`}<//>
      <//>
      <${p} title="Play orders" wide=${!0} files=${b("/api/admin/play-orders","play_orders")}>
        <${v} asked=${o.now} lines=${4}>${a=>t`<${rt} rows=${a.play_orders} former=${o.former?.play_orders} field="play_order" label="Play order" />`}<//>
      <//>
      <${p} title="Views by hour of the week" wide=${!0} files=${b("/api/admin/peak-hours","weekday_hours")}>
        <p class="quiet">By the viewers' own clocks: a view at nine in the evening stands at 21, wherever it was. Players send their clock with each view.</p>
        <${v} asked=${n} lines=${8}>
          ${a=>{let s=at(a.weekday_hours,y.value);return s.flat().some(i=>i>0)?t`<${ot} title="Views by weekday and hour" cells=${s} />`:t`<${w}>No view of these days came with a clock.<//>`}}
        <//>
      <//>
    </div>`}function rt({rows:e,former:r,field:o,label:n}){if(!e?.length)return t`<${w}>Players and pages have named none in these days.<//>`;let a=Math.max(1,...e.map(s=>s[`views${y.value}`]));return t`<div class="scroll" tabindex="0" role="region" aria-label=${`${n}, in numbers`}><table class="rows">
    <thead><tr><th scope="col">${n}</th><th scope="col" class="n"><${H} name="views">Views<//></th><th scope="col" class="n"><${H} name="unique_viewers">Viewers<//></th>
      <th scope="col" class="n"><${H} name="dwell">Time per view<//></th><th scope="col" class="n"><${H} name="dwell">Time in all<//></th><th scope="col" class="n"><${H} name="conversion">Opened after it was seen<//></th></tr></thead>
    <tbody>${e.map(s=>{let i=f=>s[`${f}${y.value}`],d=r?.find(f=>f[o]===s[o])?.[`views${y.value}`]??0,u=r&&Me(i("views"),d);return t`<tr key=${s[o]}><th scope="row">${o==="channel"?c(s.channel):Je(s.play_order)}<i class="under" style=${`width:${i("views")/a*100}%`} aria-hidden="true"></i></th>
        <td class="n" title=${S(i("views"))}>${g(i("views"))}${u&&t` <small class=${i("views")<d?"down":"up"} title=${`${S(d)} in the days before`}>${u}</small>`}</td>
        <td class="n">${g(i("unique_viewers"))}</td><td class="n">${I(i("dwell_seconds_per_view"))}</td>
        <td class="n">${I(i("dwell_seconds"))}</td><td class="n">${F(i("conversion_rate"))}</td></tr>`})}</tbody></table></div>`}var St=300,Tt=0,we=0,M=null,R=C([]),le=C(0);function it(){M=new EventSource("/api/admin/outcomes/live"),M.onopen=()=>{R.value=[]},M.onmessage=e=>{let r=JSON.parse(e.data);if(le.value+=r.missed,!r.events.length)return;let o=r.events.map(n=>({...n,key:++Tt})).reverse();R.value=[...o,...R.value].slice(0,St)}}qe.subscribe(()=>{M&&(M.close(),it())});function ce(){return we+=1,M||it(),()=>{we-=1,we===0&&(M?.close(),M=null,R.value=[])}}var Et=30,Pt=C(0);function lt(){let e=_("top"),r=_("site");U(()=>(Pt.value=Date.now(),ce()),[]);let o=e?.posts??[],n=new Map(o.map(i=>[`${i.post_id}`,V(i)])),a=o.filter(i=>i.viewers_now>0).sort((i,d)=>d.viewers_now-i.viewers_now),s=R.value.filter(i=>i.outcome==="accepted"&&i.post_id!==null).slice(0,Et);return t`<div class="pagebar"><div class="titles"><h1>Now</h1><p class="quiet">The last five minutes. Today means the UTC day.</p></div></div>
    <div class="metrics">
      <${m} name="viewers_now" label="Viewers now" n=${r?.viewers_now} live=${!0} />
      <${m} name="views" label="Views today" n=${r?.views_today} live=${!0} />
      <${m} name="unique_viewers" label="Viewers today" n=${r?.unique_viewers_today} live=${!0} />
    </div>
    <div class="cards">
      <${p} title="Being looked at" wide=${!0}>
        ${e?a.length?t`<div class="board">${a.map(i=>t`<a key=${i.post_id} href=${N(i.post_id)}><span>${V(i)}</span><${me} n=${i.viewers_now} /><small>now</small><${me} n=${i.views_today} /><small>today</small></a>`)}</div>`:t`<${w}>No content has a viewer at this moment. A view appears here within a second.<//>`:t`<${Y} />`}
      <//>
      <${p} title="Last views" wide=${!0}>
        ${s.length?t`<div class="scroll" tabindex="0" role="region" aria-label="Last views"><table class="rows"><thead><tr><th scope="col">Time</th><th scope="col">Content</th><th scope="col">Country</th><th scope="col">Device</th><th scope="col">Kind</th></tr></thead>
                <tbody>${s.map(i=>t`<tr key=${i.key}><td>${ee(i.at)}</td><th scope="row"><a href=${N(i.post_id)}>${n.get(`${i.post_id}`)??V(i)}</a></th>
                    <td>${i.country?W(i.country):"–"}</td><td>${c(i.device??"–")}</td><td>${c(i.event_type??"")}, ${c(i.source)}</td></tr>`)}</tbody></table></div>`:t`<${w}>Views are listed here from the moment this page is open.<//>`}
      <//>
    </div>`}function ct(e){let r=new Map;for(let o of e.split(`
`)){let n=/^([a-z_]+(?:\{[^}]*\})?) ([-+.\deE]+)$/.exec(o);n&&r.set(n[1],Number(n[2]))}return r}function G(e,r,o=/./){let n=0;for(let[a,s]of e)a.split("{")[0]===r&&o.test(a)&&(n+=s);return n}var be=5e3,ut=120,Z=C([]),_e=C(null),X=C(null);async function dt(){try{let[e,r]=await Promise.all(["/metrics","/health/ready"].map(n=>fetch(n,{signal:AbortSignal.timeout(be)})));if(!e.ok)throw new B(e.status,"");let o=ct(await e.text());_e.value=await r.json(),Z.value=[...Z.value.slice(1-ut),{at:Date.now(),values:o}],X.value=null}catch(e){X.value=e instanceof B?e:new B(0,"")}}function ye(e,r){let o=Z.value;return o.slice(1).map((n,a)=>{let s=G(n.values,e,r)-G(o[a].values,e,r);return Math.max(0,Math.round(s*1e4/(n.at-o[a].at))/10)})}function pt(){_("site"),U(()=>{dt();let i=setInterval(()=>!document.hidden&&dt(),be);return()=>clearInterval(i)},[]);let e=Z.value.at(-1)?.values,r=Z.value.slice(1).map(i=>new Date(i.at).toISOString()),o=ye("vts_events_total",/outcome="accepted"/),n=ye("vts_events_total",/outcome="(?!accepted)/),a=e?[...e].filter(([i,d])=>i.startsWith("vts_restarts_total{")&&d>0):[];return t`<div class="pagebar"><div class="titles"><h1>Operations</h1><p class="quiet">This process, every 5 seconds while this page is seen.</p></div></div>
    ${X.value&&t`<${re} fault=${X.value} />`}
    ${e?t`<div class="metrics">
            <${m} name="accepted" label="Counted, a second" n=${o.at(-1)} write=${g} />
            <${m} name="journal" label="Waiting in the journal" n=${s("vts_journal_depth")} />
            <${m} name="behind" label="Database behind" n=${s("vts_drain_lag_seconds")} write=${I} />
            <${m} name="live_clients" label="Live connections" n=${s("vts_live_clients")} />
            <${m} name="days_waiting" label="Days to add up again" n=${s("vts_rollup_days_waiting")} />
            <${m} name="dead_letters" label="Dead letters" n=${G(e,"vts_dead_letters_total")} />
            <${m} name="restarts" label="Restarts" n=${G(e,"vts_restarts_total")} />
          </div>
          <section class="card wide charted"><header><h2>Events a second <small class="quiet">the last ${Math.ceil(ut*be/6e4)} minutes, while this page is open</small></h2></header>
            ${r.length>1?t`<${z} title="Events a second" labels=${r} series=${[{label:"Counted",kind:"main",values:o},{label:"Not counted",kind:"second",values:n}]} />`:t`<${w}>A rate is the difference of two looks: the second one comes in 5 seconds.<//>`}
          </section>`:!X.value&&t`<${O} metrics=${7} />`}
    <div class="cards start">
      <${p} title="Parts of this process" about="and the state of each" wide=${!0}>${_e.value?t`<ul class="parts">${Object.entries(_e.value.parts).map(([i,d])=>t`<li key=${i}><span class=${`status ${d==="ok"?"online":"bad"}`}>${c(i)}</span>${d!=="ok"&&t` <b>${typeof d=="string"?d:JSON.stringify(d)}</b>`}</li>`)}</ul>`:t`<${Y} lines=${5} />`}<//>
      <${p} title="Events since the start" about="by source and outcome" wide="two">${e?t`<${Ot} values=${e} rate=${ye} />`:t`<${Y} lines=${6} />`}<//>
      <${p} title="Restarts" about="of parts, since the start">${a.length?t`<table class="rows"><tbody>${a.map(([i,d])=>t`<tr><th scope="row">${c(/actor="([^"]*)"/.exec(i)?.[1]??"")}</th><td>${c(/why="([^"]*)"/.exec(i)?.[1]??"")}</td><td class="n">${S(d)}</td></tr>`)}</tbody></table>`:t`<${w}>No part failed since VTS started.<//>`}<//>
    </div>`;function s(i){return e?.get(i)}}function Ot({values:e,rate:r}){let o=[...e].flatMap(([n,a])=>{let[,s,i]=/^vts_events_total\{outcome="([^"]*)",source="([^"]*)"\}$/.exec(n)??[];return s&&a>0?[{outcome:s,source:i,n:a}]:[]});return o.length?(o.sort((n,a)=>a.n-n.n),t`<div class="scroll tall" tabindex="0" role="region" aria-label="Events since the start, in numbers"><table class="rows"><thead><tr><th scope="col">Source</th><th scope="col">Outcome</th><th scope="col" class="n">A second</th><th scope="col" class="n">Events</th></tr></thead>
    <tbody>${o.map(({outcome:n,source:a,n:s})=>{let i=r("vts_events_total",RegExp(`outcome="${n}",source="${a}"`)).at(-1);return t`<tr key=${n+a}><td>${c(a)}</td><td><span class=${`outcome ${n==="accepted"?"good":"bad"}`}>${n==="accepted"?"Counted":c(n)}</span></td><td class="n">${g(i)}</td><td class="n" title=${S(s)}>${g(s)}</td></tr>`})}</tbody></table></div>`):t`<${w}>No event has come since VTS started.<//>`}var Ce={invalid:"It could not be read, or a field was out of range.",identity_mismatch:"A player's payload named another player than its topic.",authentication_failed:"A bad token, or an unknown or unregistered player.",bot:"A crawler, a headless browser or a command-line client.",too_late:"From before the days that are kept raw; of anonymous visitors, more than 24 hours old.",duplicate:"It was sent before, and counted then.",rate_limited:"A player or visitor sent more than its allowance.",not_found:"An unknown content, and unknown ones are refused here.",deleted:"The content was deleted.",author:"The owner looked at the own content.",unavailable:"The journal had no room, or no catalog was loaded yet. The sender tries again."},ke="/api/admin/outcomes";function $t(){let e=_("site");U(ce,[]);let{now:r,former:o}=E(ke,`${e?.seq} ${R.value[0]?.key}`),n=D.value?.name==="reason"&&Ce[D.value.value]?D.value.value:"",a=R.value.filter(s=>!n||s.outcome===n);return t`<${P} title="Why not counted" about="What became of every event that reached VTS." people=${!1} />
    <${v} asked=${r} room=${t`<${O} metrics=${3} />`}>
      ${s=>t`<${At} body=${s} former=${o} only=${n} />`}
    <//>
    <${p} title="Events as they arrive" wide=${!0}>
      <p class="quiet">Of this process, since this page is open${n?t`; only <b>${c(n)}</b> <button type="button" class="plain" onClick=${()=>T({pick:null})}>show all</button>`:""}${le.value?`; ${S(le.value)} came too fast to be listed`:""}.</p>
      ${a.length?t`<div class="scroll tall" tabindex="0" role="region" aria-label="Events as they arrive"><table class="rows">
              <thead><tr><th scope="col">Time</th><th scope="col">Outcome</th><th scope="col">Source</th><th scope="col">Content</th><th scope="col">From</th><th scope="col">Detail</th></tr></thead>
              <tbody>${a.slice(0,100).map(s=>t`<tr key=${s.key}><td>${ee(s.at)}</td><td><span class=${`outcome ${s.outcome==="accepted"?"good":"bad"}`}>${s.outcome==="accepted"?"Counted":c(s.outcome)}</span></td>
                  <td>${c(s.source)}${s.event_type?t` <small>${c(s.event_type)}</small>`:""}</td>
                  <td>${s.post_id===null?"–":t`<a href=${N(s.post_id)}>${s.post_id}</a>`}</td>
                  <td>${[s.country&&W(s.country),s.device&&c(s.device)].filter(Boolean).join(", ")||"–"}</td><td>${s.detail??"–"}</td></tr>`)}</tbody></table></div>`:t`<${w}>Send an event now, and it appears here within a second with what became of it.<//>`}
    <//>`}function At({body:e,former:r,only:o}){let n=oe.value.name==="today",a=n?e.hourly:e.daily,[s,i]=ge(e.outcomes),[d,u]=r?ge(r.outcomes):[null,null],f=[{label:"Counted",kind:"main",values:a.map($=>$.accepted)},{label:o?c(o):"Not counted",kind:"second",values:a.map($=>o?$[o]:ge($)[1])}],l=n?"hour":"day";return t`<div class="metrics">
      <${m} name="accepted" label="Counted" n=${e.outcomes.accepted} was=${r?.outcomes.accepted} />
      <${m} name="not_counted" label="Not counted" n=${i} was=${u} />
      <${m} name="" label="Share not counted" n=${s?i/s:null} was=${d&&u!==null?u/d:null} write=${F} />
    </div>
    <section class="card wide charted"><header><h2>Events by ${l}</h2>${o&&t`<button type="button" class="chip" aria-label="Show all reasons" onClick=${()=>T({pick:null})}>Reason: <b>${c(o)}</b> <span aria-hidden="true">×</span></button>`}</header>
      <${z} title=${`Events by ${l}`} labels=${a.map($=>$.hour??$.date)} series=${f} /></section>
    <div class="cards start">
      <${p} title="Reasons" wide="two" files=${b(ke,"daily")}><${xt} counts=${e.outcomes} lost=${i} only=${o} /><//>
      <${p} title="By source" files=${b(ke,"by_source")}><${qt} rows=${e.by_source} /><//>
    </div>`}function ge(e){let r=Object.keys(Ce).reduce((o,n)=>o+e[n],0);return[e.accepted+r,r]}function xt({counts:e,lost:r,only:o}){let n=Object.entries(Ce).sort(([a],[s])=>e[s]-e[a]);return t`<table class="rows reasons"><thead><tr><th scope="col">Reason</th><th scope="col" class="n">Events</th><th scope="col" class="n">Share</th></tr></thead>
    <tbody>${n.map(([a,s])=>t`<tr key=${a} class=${o===a?"picked":e[a]?"":"none"}>
        <th scope="row"><button type="button" class="plain" aria-pressed=${o===a} onClick=${()=>De("reason",a)}>${c(a)}</button><small class="quiet">${s}</small></th>
        <td class="n" title=${S(e[a])}>${g(e[a])}</td><td class="n quiet">${Le(e[a],r)}</td></tr>`)}</tbody></table>`}function qt({rows:e}){return e.length?t`<table class="rows"><thead><tr><th scope="col">Source</th><th scope="col">Outcome</th><th scope="col" class="n">Events</th></tr></thead>
    <tbody>${e.slice(0,20).map(r=>t`<tr><td>${c(r.source)}</td><td>${r.outcome==="accepted"?"Counted":c(r.outcome)}</td><td class="n" title=${S(r.events)}>${g(r.events)}</td></tr>`)}</tbody></table>`:t`<${w}>No events in these days.<//>`}var Q="/api/admin/sitewide-stats",de=[{name:"total_views",label:"Views",field:"views"},{name:"unique_viewers",label:"Unique viewers",field:"unique_viewers",about:!0},{name:"page_views",label:"Page views",field:"page_views"},{name:"unique_visitors",label:"Visitors",field:"unique_visitors",about:!0},{name:"visits",label:"Visits",field:"visits"},{name:"pages_per_visit",label:"Pages per visit",field:"pages_per_visit",write:Rt},{name:"seconds_per_visit",label:"Time per visit",field:"seconds_per_visit",write:I},{name:"bounce_rate",label:"Bounce rate",field:"bounce_rate",write:F},{name:"signups",label:"Signups",field:"signups"},{name:"posts",label:"Uploads",field:"posts"},{name:"api_calls",label:"API calls",field:"api_calls"},{name:"errors",label:"Errors",field:"errors"}],Nt=["views","page_views"];function Rt(e){return e==null?"–":e.toLocaleString(void 0,{maximumFractionDigits:1})}function mt(e,r,o,n){let a=K(e,r);return n?a("hourly_trend").map(s=>[s.hour,s[o]]):We(a("daily_trend"),s=>s.views+s.page_views).map(s=>[s.date,s[o]??null])}function ht(){let e=_("site"),{now:r,former:o}=E(Q,e?.seq,{limit:100,trend_of:ne(Be)}),n=A("/api/top",{...x.value,limit:10},e?.seq),a=A("/api/admin/channels",x.value,e?.seq);return t`<${P} title="Overview" about="The whole site." zone=${r.data} />
    <${v} asked=${r} room=${t`<${O} metrics=${13} />`}>
      ${s=>t`<${Lt} body=${s} former=${o} site=${e} />`}
    <//>
    <div class="cards">
      <${p} title="Top contents" wide=${!0} files=${`/api/top?${new URLSearchParams({...x.value,limit:"100"})}`}>
        <${v} asked=${n} lines=${11}>${s=>t`<${Ze} rows=${s.posts} />`}<//>
      <//>
      <${v} asked=${r} lines=${8}>${s=>t`<${Mt} body=${s} channels=${a} />`}<//>
    </div>`}function Lt({body:e,former:r,site:o}){let n=K(e,y.value),a=K(r,y.value),s=de.find(({field:h})=>h===L.value.searchParams.get("metric"))??de[0],i=oe.value.name==="today"&&Nt.includes(s.field),d=mt(e,y.value,s.field,i),u=e.value_trend&&n("value_trend"),f=[{label:s.label,kind:"main",values:d.map(([,h])=>h)}];if(s.field==="views"&&!i){let J=(u??n("daily_trend")).slice(-d.length).map(j=>u?j.views:j.unique_viewers);f.push({label:u&&D.value?Ye(D.value):"Unique viewers",kind:"second",values:J})}if(r&&!i){let h=mt(r,y.value,s.field,!1).slice(-d.length);f.push({label:"Days before",kind:"former",values:h.map(([,J])=>J)})}let l=i?"by hour, last 24 hours":"by day";return t`<div class="metrics many">
      ${de.slice(0,2).map($)}
      <${m} name="viewers_now" label="Viewers now" n=${o?.viewers_now} live=${!0} />
      ${de.slice(2).map($)}
    </div>
    <section class="card wide charted"><header><h2>${s.label} ${l}</h2><${Ge} days=${u} /></header>
      <${z} title=${`${s.label} ${l}`} labels=${d.map(([h])=>h)} series=${f} write=${s.write} />
    </section>`;function $({name:h,label:J,field:j,about:ft,write:wt}){let Oe=n(h),ue=h==="unique_viewers"?n("unique_viewers_imported"):0,yt=ue?`${g(ue)} are of imported days, on each of which a viewer counts anew.`:"";return t`<${m} key=${h} name=${h==="total_views"?"views":h} label=${J} n=${Oe} was=${r?a(h):null}
      estimated=${ft&&Oe-ue>ze} hint=${yt} write=${wt} picked=${s.field===j}
      onPick=${()=>T({metric:j==="views"?null:j})} />`}}function Mt({body:e,channels:r}){let o=K(e,y.value),n=o("total_views");return t`<${p} title="Countries" wide=${!0} files=${b(Q,"country")}>
      <div class="world"><${Ke} values=${o("views_by_country")} ...${ie("country")} />
        <div><${q} label="Country" shown=${12} values=${o("views_by_country")} of=${n} write=${he.country} ...${ie("country")} empty="No view had a country." /></div></div>
    <//>
    <${p} title="Pages" about="page views" files=${b(Q,"top_pages")}><${q} label="Page" values=${o("top_pages")} of=${o("page_views")} empty="No page views in these days: put vts.js on your pages." /><//>
    ${a("Referrers","referrer","No view came from another site.")}
    <${p} title="Channels" about="views" files=${b("/api/admin/channels","channels")}>
      <${v} asked=${r} lines=${8}>
        ${s=>t`<${q} label="Channel" values=${Object.fromEntries((K(s,y.value)("channels")??[]).map(i=>[i.channel,i[`views${y.value}`]]))}
            of=${n} write=${c} link=${()=>"/channels"} empty="Players and pages have named no channel in these days." />`}
      <//>
    <//>
    <div class="cards four">${a("Devices","device")} ${a("Kinds of views","type")} ${a("Sources","source")}
      <${p} title="Errors" about="by kind" files=${b(Q,"errors_by_type")}><${q} label="Error" values=${o("errors_by_type")} empty="The host application reported no errors." /><//>
    </div>`;function a(s,i,d="No views in these days."){return t`<${p} title=${s} about="views" files=${b(Q,i)}><${q} label=${s} values=${o(`views_by_${i}`)} of=${n} write=${he[i]} ...${ie(i)} empty=${d} /><//>`}}var Se=100,Te=C("");function vt(){let e=L.value.searchParams,r=e.get("status"),o=_("site"),n=Math.floor(ae.value/6e4),a=A("/api/players",{limit:Se,status:r,after:e.get("after")},`${o?.seq} ${n}`),{now:s,former:i}=E("/api/admin/sitewide-stats",null,{limit:20}),d=Te.value.trim().toLowerCase();return t`<${P} title="Players" about="Devices on walls and shelves, and what they report." zone=${s.data} people=${!1} />
    <${v} asked=${s} room=${t`<${O} metrics=${3} chart=${!1} />`}>
      ${u=>{let f=u.player_activity,l=i?.player_activity;return t`<div class="metrics">
          <${m} name="registered" label="Registered" n=${u.players_registered} />
          <${m} name="active_players" label="Active in these days" n=${f.active_players} was=${l?.active_players} />
          <${m} name="views" label="Views by players" n=${f.views} was=${l?.views} />
        </div>`}}
    <//>
    <${p} title="All players" wide=${!0} files=${`/api/players?limit=500${r?`&status=${r}`:""}`}>
      <div class="filters">
        <input type="search" placeholder="Search names" aria-label="Search names" value=${Te.value} onInput=${u=>{Te.value=u.currentTarget.value}} />
        <div class="switch" role="group" aria-label="Status">
          ${[null,"online","offline"].map(u=>t`<button type="button" aria-pressed=${r===u} onClick=${()=>T({status:u,after:null})}>${u?c(u):"All"}</button>`)}
        </div>
      </div>
      <${v} asked=${a} lines=${8}>
        ${u=>{let f=u.players.filter(l=>!d||`${l.name??""} ${l.player_key}`.toLowerCase().includes(d));return f.length?t`<div class="scroll" tabindex="0" role="region" aria-label="Players"><table class="rows">
              <thead><tr><th scope="col">Player</th><th scope="col">Status</th><th scope="col">Shows</th><th scope="col">Firmware</th><th scope="col">Country</th><th scope="col">Last seen</th><th scope="col">Last view</th></tr></thead>
              <tbody>${f.map(l=>t`<tr key=${l.player_key}>
                  <th scope="row">${l.name??"Player"} <small title=${l.player_key}>${l.player_key.slice(0,8)}</small></th>
                  <td><span class=${`status ${l.status}`}>${l.status?c(l.status):"Never seen"}</span>${l.status==="online"&&l.online_since?t` <small>since ${te(l.online_since)}</small>`:""}</td>
                  <td>${l.current_post_id?t`<a href=${N(l.current_post_id)}>${l.current_post_id}</a>`:"–"}</td>
                  <td>${l.firmware_version??"–"}</td><td>${l.country?W(l.country):"–"}</td>
                  <td>${pe(l.last_seen_at,ae.value)}</td><td>${pe(l.last_view_at,ae.value)}</td></tr>`)}</tbody></table></div>
            ${u.players.length===Se&&t`<nav class="pager" aria-label="Pages of the list"><button type="button" onClick=${()=>T({after:u.players.at(-1).player_key})}>Next ${Se}</button></nav>`}
            ${e.has("after")&&t`<nav class="pager"><button type="button" onClick=${()=>T({after:null})}>Back to the first</button></nav>`}`:t`<${w}>${d||r?"No player fits: change the search or the status.":"No players are registered: POST /api/players registers one."}<//>`}}
      <//>
    <//>
    <div class="cards start">
      <${p} title="Views by player" wide="two" files=${b("/api/admin/sitewide-stats","player")}><${v} asked=${s} lines=${8}>${u=>t`<${Vt} rows=${u.player_activity.views_by_player} of=${u.player_activity.views} />`}<//><//>
      <${p} title="Reports that were refused" files=${b("/api/admin/outcomes","by_source")}><${It} /><//>
    </div>`}function Vt({rows:e,of:r}){let o=Object.fromEntries(e.map(a=>[a.player_key,a.name??a.player_key.slice(0,8)])),n=Object.fromEntries(e.map(a=>[a.player_key,a.views]));return t`<${q} label="Player" values=${n} of=${r} write=${a=>o[a]} empty="No player has reported a view in these days." />`}function It(){let{now:e}=E("/api/admin/outcomes",null);return t`<${v} asked=${e}>
    ${r=>{let o=r.by_source.filter(a=>a.source==="player"&&a.outcome!=="accepted"),n=Object.fromEntries(o.map(a=>[a.outcome,a.events]));return t`<${q} label="Reason" values=${n} write=${c} link=${a=>`/not-counted?pick=reason:${a}`} empty="Every report of a player counted in these days." />`}}
  <//>`}var Pe=document.getElementById("dashboard"),k=JSON.parse(Pe.dataset.me??"{}"),Ee={overview:["Overview",ht,!0],now:["Now",lt,!0],players:["Players",vt,!0],channels:["Channels",nt,!0],"not-counted":["Why not counted",$t,!0],operations:["Operations",pt,!0],content:["Content",Qe,!1],artist:["Artist",tt,!1]};function Dt(){let{page:e,id:r}=se.value,o=Ee[e],n=o?o[0]:"Not found";document.title=`${r||n} – VTS`;let a=jt(o),s=Object.entries(Ee).filter(([,[,,i]])=>i&&k.reads_everything);return t`<a class="skip" href="#page">To the page</a>
    <header class="top">
      <a class="brand" href="/">VTS</a>
      <nav aria-label="Pages">
        ${s.map(([i,[d]])=>t`<a key=${i} href=${i==="overview"?"/":`/${i}`} aria-current=${e===i?"page":void 0}>${d}</a>`)}
        ${k.user&&t`<a href=${`/artist/${encodeURIComponent(k.user)}`} aria-current=${e==="artist"&&r===k.user?"page":void 0}>My contents</a>`}
      </nav>
      <${Bt} />
      <${Ue} state=${xe.value} />
      <${Ut} />
    </header>
    <main id="page" tabindex="-1">${a?t`<h1 class="unseen">${n}</h1><${re} fault=${new B(a,"")} />`:o?t`<${o[1]} key=${`${e} ${r}`} />`:t`<p class="failed"><strong>There is no such page.</strong> <a href="/">To the overview</a></p>`}</main>
    <footer class="quiet"><a href="/docs">API</a></footer>`}function jt(e){return k.roles?e?.[2]&&!k.reads_everything?403:0:Re.secret?0:401}function Ut(){if(!k.roles)return t`<a href="/login">Sign in</a>`;let e=(r,o)=>t`<form method="post" action=${r}><input type="hidden" name="form" value=${k.form} /><button>${o}</button></form>`;return t`<details class="files account"><summary>${k.user??c(k.roles[0]??"account")}</summary>
    <div><span class="quiet">${k.roles.map(c).join(", ")}</span>${e("/logout","Sign out")}${e("/logout?everywhere=1","Sign out everywhere")}</div>
  </details>`}function Bt(){return t`<form class="find" role="search" onSubmit=${r=>{r.preventDefault();let o=r.currentTarget,n=`${new FormData(o).get("id")}`.trim();n&&$e(`/content/${encodeURIComponent(n).replaceAll("%3A",":")}`),o.reset()}}><input type="search" name="id" placeholder="Content id" aria-label="Content id, like 42 or blog:7" /></form>`}function Ft(e){let r=e.target.closest?.("a[href]");if(!(r instanceof HTMLAnchorElement)||e.defaultPrevented||e.button||e.metaKey||e.ctrlKey)return;let o=new URL(r.href);if(o.origin!==location.origin||r.hasAttribute("download")||r.target||o.hash)return;let{page:n}={page:o.pathname.split("/")[1]||"overview"};Ee[n]&&(e.preventDefault(),$e(o.pathname+o.search))}document.addEventListener("click",Ft);location.pathname==="/"&&k.user&&!k.reads_everything&&(history.replaceState(null,"",`/artist/${encodeURIComponent(k.user)}${location.search}`),L.value=new URL(location.href));je();Ne();Pe.replaceChildren();Ae(t`<${Dt} />`,Pe);
