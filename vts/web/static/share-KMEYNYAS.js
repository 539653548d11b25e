import{G as f,I as h,J as u,L as w,O as S,Q as k,R as b,S as y,T,a as s,c as i,d as n,f as m,g as d,h as p,ma as g,p as c,t as l,u as $,v as a}from"./chunk-VDK3TEHH.js";import{b as r}from"./chunk-MNTAYEIE.js";var v=document.getElementById("dashboard");m.secret=location.pathname.split("/")[2]??"";i(async()=>(await d("/api/share/ticket",{},{method:"POST"})).ticket);function B(){let e=p("/api/share"),o=y(e.data?.topic??null),{now:t,former:A}=T("/api/share/stats",o?.seq,{trend_of:b(k)}),O=t.data&&(e.data?.kind==="artist"?$(t.data):`${l(t.data.kind??"content")}.`),_=e.data?`Shared until ${c(e.data.expires_at)}.`:"…";return a`<header class="top"><span class="brand">VTS</span><span class="quiet shared">Statistics, shared by a link</span><${u} state=${s.value} /></header>
    <main id="page">
      <${h} title=${v.dataset.name} about=${`${O??""} ${_}`} zone=${t.data} />
      <${S} asked=${t} room=${a`<${w} metrics=${8} />`}>
        ${q=>a`<${g} body=${q} former=${A} live=${o} path=${null} />`}
      <//>
    </main>`}f();n();r(a`<${B} />`,v);
